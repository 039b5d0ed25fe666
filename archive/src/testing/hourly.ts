import { type FakeObjectStore, fakeObjectStore } from './fake-object-store.ts';
import { putObject, testBlock } from './objects.ts';

export const startMs = Date.UTC(2026, 1, 2, 3);
/** A rule. */
export const json = '{"parse":{"type":"json"},"time":{"key":"time","type":"string"},"v":1}';

/** Lines of JSON, a second after the other. */
export function linesAt(second: number, count: number, message: string): string {
  return Array.from(
    { length: count },
    (_, i) => `${JSON.stringify({ time: new Date(startMs + (second + i) * 1000).toISOString(), message })}\n`,
  ).join('');
}

/** An object of one block for each hour, its events an hour of their own. */
export function hourly(hours: number, message = 'tick'): FakeObjectStore {
  const store = fakeObjectStore();
  for (let hour = 0; hour < hours; hour++) {
    const text = linesAt(hour * 3600, 10, message);
    const bytes = testBlock([{ life: hour + 1, from: 0, text, capturedMs: startMs }], { rule: json });
    putObject(store, [bytes], { told: true, arrivedMs: startMs + hour * 3_600_000 });
  }
  return store;
}

export const readsOf = (store: FakeObjectStore) => store.calls.filter((call) => call === 'read').length;

/** All hits of a search. */
export async function all<T>(search: { next(): Promise<T | undefined> }): Promise<T[]> {
  const hits: T[] = [];
  for (let hit = await search.next(); hit !== undefined; hit = await search.next()) hits.push(hit);
  return hits;
}
