import { signal } from '@preact/signals';
import { ApiError, getJson, isAbsent, isMissing } from '../api/client.ts';
import type { Facet, FieldInfo, FieldStats } from '../api/types.ts';
import { columnName } from '../list/values.ts';
import { withoutStages } from '../query/edit.ts';
import { keep, readKept } from './kept.ts';
import { maySee } from './me.ts';
import { view } from './view.ts';

/** Fields whose most frequent values are shown, until the person chooses. */
const usualFacets = [
  'log.level',
  'tag',
  'host.name',
  'log.file.path',
  'http.response.status_code',
  'service.name',
];
const kept = 'millrace.facets';

export const facetNames = signal<readonly string[]>(keptNames());
export const facets = signal<readonly Facet[] | undefined>(undefined);
export const fields = signal<readonly FieldInfo[]>([]);
/** Undefined until asked; then whether the server has facets. */
export const hasFacets = signal<boolean | undefined>(undefined);
export const facetsProblem = signal<ApiError | undefined>(undefined);

let running = new AbortController();
/** The server has none; what one question may not ask, another may. */
let missing = false;

export async function runFacets(): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal: ended } = running;
  if (missing) return;
  try {
    const what = currentWhat();
    const listed = getJson<{ fields: FieldInfo[] }>('api/v1/fields', what, ended);
    const [counted, known] = await Promise.all([countFacets(what, listed, ended), listed]);
    hasFacets.value = true;
    facets.value = counted.facets;
    fields.value = known.fields;
    facetsProblem.value = undefined;
  } catch (error) {
    if (ended.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    if (isMissing(error)) missing = true;
    if (isAbsent(error)) hasFacets.value = false;
    else facetsProblem.value = error;
  }
}

/**
 * One hidden field and all are refused. Which are hidden is not told by their names alone: another name or a `*` may
 * hide them, so those are left out that the server does not list.
 */
async function countFacets(
  what: Record<string, string>,
  listed: Promise<{ fields: FieldInfo[] }>,
  ended: AbortSignal,
): Promise<{ facets: Facet[] }> {
  const ask = async (names: string[]) =>
    names.length === 0
      ? { facets: [] }
      : getJson<{ facets: Facet[] }>('api/v1/facets', { ...what, fields: names.join(','), size: '8' }, ended);
  const names = facetNames.peek().filter(maySee);
  try {
    return await ask(names);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    const shown = new Set((await listed).fields.map(({ name }) => columnName(name)));
    const rest = names.filter((name) => shown.has(columnName(name)));
    if (rest.length === names.length) throw error;
    return ask(rest);
  }
}

/** The conditions that everything besides the rows is asked with. */
export function currentWhat(): Record<string, string> {
  const { q, from, to, stream } = view.value;
  return { q: withoutStages(q), from, to, ...(stream === '' ? {} : { stream }) };
}

export function toggleFacet(name: string): void {
  const names = facetNames.peek();
  facetNames.value = names.includes(name) ? names.filter((item) => item !== name) : [...names, name];
  keep(kept, JSON.stringify(facetNames.peek()));
  void runFacets();
}

export function fetchStats(field: string, signal: AbortSignal): Promise<FieldStats> {
  return getJson<FieldStats>('api/v1/fields/stats', { ...currentWhat(), field }, signal);
}

/** Values for completion: of what matches without what is being typed. */
export async function fetchValues(field: string, prefix: string, signal: AbortSignal): Promise<string[]> {
  const { from, to, stream } = view.value;
  const { values } = await getJson<{ values: { value: string | number }[] }>(
    'api/v1/fields/values',
    { from, to, ...(stream === '' ? {} : { stream }), field, prefix, size: '12' },
    signal,
  );
  return values.map(({ value }) => String(value));
}

function keptNames(): readonly string[] {
  try {
    const names = JSON.parse(readKept(kept) ?? '') as unknown;
    if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  } catch {
    // Nothing was kept, or by another version.
  }
  return usualFacets;
}
