import type { Mark } from '@millrace/core/store/port.ts';
import { type FakeStore, fakeStore, hold, unavailable } from './fake-store.ts';

/** A store in memory with marks, that can be down as a whole. */
export interface WholeStore extends FakeStore {
  down: boolean;
  marks: Mark[];
  /** Names of the calls that were answered. */
  calls: string[];
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
    marks: [] as Mark[],
    calls: [] as string[],
    answer: (documents: Parameters<FakeStore['answer']>[0]) => call('bulk', () => hold(base, documents)),
    describe: () => call('describe', () => 'fake 1'),
    install: () => call('install', () => undefined),
    putMark: (mark: Mark) =>
      call('putMark', () => {
        store.marks.push(mark);
      }),
    marked: (keys: string[]) =>
      call('marked', () => {
        if (keys.length > 1_000) throw new RangeError('more than 1,000 keys');
        const marked = new Set(store.marks.map((mark) => mark.object));
        return new Set(keys.filter((key) => marked.has(key)));
      }),
  });
  return store;
}
