import { MillraceError } from '@millrace/core/errors.ts';
import { resolveField } from '@millrace/core/query/fields.ts';
import type { AggregateResponse, Aggregation, Aggregations } from '@millrace/core/store/aggregation.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Access } from '../access/access.ts';
import { assertFieldCountable } from '../access/allowed.ts';
import { type CountedField, countedField } from '../count/counted-field.ts';
import { valueCounts } from '../count/value-counts.ts';
import { plan } from '../plan.ts';
import type { SavedContent } from '../saved/saved-search.ts';
import { maySeeSaved, savedKind } from '../saved/shelf.ts';
import { type Alert, type AlertContent, accessOf, durationMs } from './alert.ts';
import type { Counted } from './step.ts';

/** Longer values are one group when they begin alike. */
const groupUnitsMax = 256;

/** What is counted, with a saved search in place of its id. */
export interface Question {
  q: string;
  stream?: string;
}

export interface AskOptions {
  timeMsMax: number;
  groupsMax: number;
  signal?: AbortSignal;
}

/** @throws MillraceError QUERY_INVALID: the saved search is gone, or not for `access` to see */
export async function questionFor(
  store: Store,
  { search }: Pick<AlertContent, 'search'>,
  access: Access,
  signal?: AbortSignal,
): Promise<Question> {
  if ('q' in search) return search;
  const found = await store.objects.get(savedKind, search.saved, signal);
  // Notices have the query in them: one that its owner may not see is none for an alert of theirs.
  if (found === undefined || !maySeeSaved(access, found.value as { owner: string }))
    throw new MillraceError('QUERY_INVALID', `there is no saved search ${search.saved}`, {
      hint: 'GET /api/v1/saved lists them',
    });
  const { q, stream } = found.value as SavedContent;
  return { q, ...(stream === undefined ? {} : { stream }) };
}

/**
 * Counts the events of the window that ends before `endMs`, as its owner may see them.
 * @throws MillraceError QUERY_INVALID, STORE_UNAVAILABLE, STORE_REJECTED, DEADLINE
 * @throws Refused 403: it asks about a field that is hidden
 */
export async function count(
  store: Store,
  alert: Alert,
  question: Question,
  endMs: number,
  { timeMsMax, groupsMax, signal }: AskOptions,
): Promise<Counted> {
  const access = accessOf(alert);
  const field = alert.group_by === undefined ? undefined : groupField(alert.group_by, access);
  const { indices, query } = planFor(question, windowOf(alert, endMs), access, endMs);
  const parts = field === undefined ? {} : groupParts(field, groupsMax);
  const answer = await store.aggregate({ indices, query, timeMsMax, parts }, signal);
  // Half a count would fire, or resolve, for no reason.
  if (answer.cut === true)
    throw new MillraceError('DEADLINE', `the store did not count within ${timeMsMax} ms`);
  return field === undefined
    ? { counts: new Map([['', answer.total]]) }
    : groupCounts(answer, field, groupsMax);
}

/** First and last moment of a window. */
export function windowOf({ window }: Pick<Alert, 'window'>, endMs: number): { from: string; to: string } {
  const iso = (ms: number) => new Date(ms).toISOString();
  return { from: iso(endMs - durationMs(window)), to: iso(endMs - 1) };
}

/** What could not be evaluated is not kept. @throws MillraceError QUERY_INVALID, Refused 403 */
export function assertAskable(
  content: AlertContent,
  question: Question,
  access: Access,
  nowMs: number,
): void {
  planFor(question, windowOf(content, nowMs), access, nowMs);
  if (content.group_by === undefined) return;
  groupField(content.group_by, access);
  const { condition } = content;
  if (condition.type === 'absence' || condition.op.startsWith('<'))
    throw new MillraceError('QUERY_INVALID', 'a group that has no events is not known to be one', {
      hint: 'leave group_by out, or make one alert for each value that must be there',
    });
  if (condition.op === '>=' && condition.count === 0)
    throw new MillraceError('QUERY_INVALID', 'every group has at least 0 events', { hint: 'count >= 1' });
}

function planFor(question: Question, window: { from: string; to: string }, access: Access, nowMs: number) {
  const planned = plan({ ...question, ...window }, nowMs, access);
  if (planned.pipes.length === 0) return planned;
  throw new MillraceError('QUERY_INVALID', 'an alert counts events, it takes no pipes', {
    hint: 'leave the pipe out; group_by counts by the values of a field',
  });
}

/** @throws MillraceError QUERY_INVALID, Refused 403 */
function groupField(name: string, access: Access): CountedField {
  assertFieldCountable(access, name);
  for (const target of resolveField(name)) {
    if (target.in === 'known' && ['message', 'date', 'id'].includes(target.field.kind))
      throw new MillraceError('QUERY_INVALID', `group_by: ${name} has a value of its own for each event`, {
        hint: 'group by host, tag, level or a field of few values',
      });
  }
  return countedField(name);
}

function groupParts({ places }: CountedField, size: number): Aggregations {
  const parts = places.map(({ within, terms }, i): [string, Aggregation] => [
    `groups-${i}`,
    { type: 'filter', query: within, parts: { values: { type: 'values', ...terms, size, order: 'most' } } },
  ]);
  return Object.fromEntries(parts);
}

function groupCounts(answer: AggregateResponse, field: CountedField, groupsMax: number): Counted {
  const { values, other } = valueCounts(answer, 'groups', field, groupsMax);
  const counts = new Map<string, number>();
  for (const { value, count } of values) {
    const name = String(value).slice(0, groupUnitsMax);
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  if (other === 0) return { counts };
  // A value that is not named has in each place at most what the least of the named ones has there.
  let unnamedMax = 0;
  for (const i of field.places.keys()) {
    const found = answer.parts[`groups-${i}`]?.parts?.values;
    if ((found?.other ?? 0) > 0) unnamedMax += found?.buckets?.at(-1)?.count ?? 0;
  }
  return { counts, unnamedMax: Math.max(unnamedMax, values.at(-1)?.count ?? 0) };
}
