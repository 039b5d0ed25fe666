import type { SearchHit, Store } from '@millrace/core/store/port.ts';
import type { Plan } from '../plan.ts';

/** A field of the records' own, as the documents that were looked at have it. */
export interface OwnField {
  /** Dotted, without `fields.` before it. */
  name: string;
  /** text, number, boolean; mixed when documents differ. */
  kind: OwnKind;
  /** Documents that have it. */
  count: number;
}

export type OwnKind = 'text' | 'number' | 'boolean' | 'mixed';

/** Names longer than that are in no index. */
const nameUnitsMax = 256;
const pageMax = 5_000;

/** The newest documents of a plan, whole. `cut`: time was up before all were found. */
export async function newestDocuments(
  store: Store,
  { indices, query }: Plan,
  limits: { fields_sample_max: number; query_ms_max: number },
  signal: AbortSignal,
): Promise<{ documents: SearchHit[]; cut: boolean }> {
  const { hits, cut } = await store.search(
    {
      indices,
      query,
      size: Math.min(limits.fields_sample_max, pageMax),
      order: 'desc',
      trackTotal: 0,
      highlight: false,
      timeMsMax: limits.query_ms_max,
    },
    signal,
  );
  return { documents: hits, cut: cut === true };
}

/** The most frequent first, at most `max`. */
export function ownFields(documents: readonly SearchHit[], max: number): OwnField[] {
  const found = new Map<string, OwnField>();
  for (const { source } of documents) {
    const seen = new Set<string>();
    for (const [name, value] of leavesOf(source.fields)) {
      const kind = kindOf(value);
      const known = found.get(name);
      if (known === undefined) {
        if (found.size >= 4 * max) continue;
        found.set(name, { name, kind, count: 1 });
      } else {
        if (known.kind !== kind) known.kind = 'mixed';
        if (!seen.has(name)) known.count++;
      }
      seen.add(name);
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)).slice(0, max);
}

export function leafNames(source: unknown): Set<string> {
  return new Set([...leavesOf(source)].map(([name]) => name));
}

/** The values of a field in a document; `path` is dotted, and so may be names within it. */
export function valuesAt(source: unknown, path: string): unknown[] {
  return [...leavesOf(source)].filter(([name]) => name === path).map(([, value]) => value);
}

/** Names and values as the index has them: nested names joined by dots, each element of an array by itself. */
function* leavesOf(value: unknown, above = ''): Generator<[name: string, value: unknown]> {
  if (Array.isArray(value)) {
    for (const item of value) yield* leavesOf(item, above);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value))
      yield* leavesOf(item, above === '' ? key : `${above}.${key}`);
  } else if (value !== null && value !== undefined && above !== '' && above.length <= nameUnitsMax) {
    yield [above, value];
  }
}

function kindOf(value: unknown): OwnKind {
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  return typeof value === 'boolean' ? 'boolean' : 'text';
}
