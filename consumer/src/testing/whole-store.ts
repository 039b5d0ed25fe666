import type { Mark } from '@millrace/core/store/port.ts';
import { type FakeStore, fakeStore, hold, unavailable } from './fake-store.ts';

/** A store in memory with marks, that can be down as a whole. */
export interface WholeStore extends FakeStore {
  down: boolean;
  marksHeld: Mark[];
  /** Names of the calls that were answered. */
  calls: string[];
  horizonDates: Map<string, string>;
}

export function wholeStore(): WholeStore {
  const call = async <T>(name: string, effect: () => T): Promise<T> => {
    if (store.down) unavailable();
    store.calls.push(name);
    return effect();
  };
  const base = fakeStore();
  const store: WholeStore = Object.assign(base, {
    down: false,
    marksHeld: [] as Mark[],
    calls: [] as string[],
    horizonDates: new Map<string, string>(),
    answer: (documents: Parameters<FakeStore['answer']>[0]) => call('bulk', () => hold(base, documents)),
    describe: () => call('describe', () => 'fake 1'),
    install: () => call('install', () => undefined),
    putMark: (mark: Mark) =>
      call('putMark', () => {
        store.marksHeld.push(mark);
      }),
    marked: (keys: string[]) =>
      call('marked', () => {
        if (keys.length > 1_000) throw new RangeError('more than 1,000 keys');
        const marked = new Set(store.marksHeld.map((mark) => mark.object));
        return new Set(keys.filter((key) => marked.has(key)));
      }),
    marksOf: (keys: string[]) =>
      call(
        'marksOf',
        () =>
          new Map(
            store.marksHeld
              .filter(({ object }) => keys.includes(object))
              .map((mark) => [mark.object, mark] as const),
          ),
      ),
    marksSetAside: ({ stream, after = '', size }: { stream?: string; after?: string; size: number }) =>
      call('marksSetAside', () =>
        store.marksHeld
          .filter((mark) => (mark.setAside ?? 0) > 0 && mark.object > after)
          .filter((mark) => stream === undefined || mark.stream === stream)
          .sort((a, b) => (a.object < b.object ? -1 : 1))
          .slice(0, size),
      ),
    replaceMark: (mark: Mark) =>
      call('replaceMark', () => {
        store.marksHeld = [...store.marksHeld.filter(({ object }) => object !== mark.object), mark];
      }),
    indices: () =>
      call('indices', () => {
        const counts = new Map<string, number>();
        for (const { index } of base.held.values()) counts.set(index, (counts.get(index) ?? 0) + 1);
        return [...counts].map(([index, documents]) => ({ index, documents, bytes: documents * 100 }));
      }),
    search: () =>
      call('search', () => ({ tookMs: 0, total: { value: 0, relation: 'eq' as const }, hits: [] })),
    deleteIndex: (index: string) =>
      call('deleteIndex', () => {
        for (const [key, document] of base.held) if (document.index === index) base.held.delete(key);
      }),
    present: (index: string, ids: string[]) =>
      call('present', () => new Set(ids.filter((id) => base.held.has(`${index}/${id}`)))),
    horizons: () => Promise.resolve(store.horizonDates),
    moveHorizon: (stream: string, date: string) =>
      call('moveHorizon', () => {
        if ((store.horizonDates.get(stream) ?? '') < date) store.horizonDates.set(stream, date);
      }),
    refresh: () => call('refresh', () => undefined),
  });
  return store;
}
