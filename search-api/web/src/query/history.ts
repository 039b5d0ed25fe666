import { keep, readKept } from '../state/kept.ts';

const kept = 'millrace.queries';
const keptMax = 50;

/** Queries that were asked here before, the last one first. */
export function history(): string[] {
  try {
    const queries = JSON.parse(readKept(kept) ?? '[]') as unknown;
    return Array.isArray(queries) ? queries.filter((query) => typeof query === 'string') : [];
  } catch {
    return [];
  }
}

export function remember(query: string): void {
  const text = query.trim();
  if (text === '') return;
  keep(kept, JSON.stringify(withQuery(history(), text)));
}

/** The query in front, each once, no more than are kept. */
export function withQuery(queries: readonly string[], query: string): string[] {
  return [query, ...queries.filter((item) => item !== query)].slice(0, keptMax);
}
