import { dateStartMs } from '@millrace/core/document/index-name.ts';
import { Type } from 'typebox';
import type { Access } from '../access/access.ts';
import { streamAllowed } from '../access/streams.ts';
import type { Context } from '../context.ts';
import type { FindSource, Shortfall } from '../find/finder.ts';
import type { Horizons } from '../find/kept-horizons.ts';
import { ShortfallSchema } from '../find/shortfall.ts';
import { allowedSource } from '../find/source.ts';
import type { Plan, What } from '../plan.ts';

/** `partial` of an answer. */
export const PartialSchema = Type.Array(ShortfallSchema, {
  description: 'What was not looked at, and why; empty: nothing',
});

export const cutShortfall: Shortfall = {
  code: 'time',
  message: 'counting was stopped after limits.query_ms_max: there are at least so many',
};

/**
 * Counts are made in the store alone: of a time that begins before the hot horizon, what is older is in the archive
 * only and not counted.
 */
export async function archiveShortfall(
  horizons: Horizons,
  what: What,
  planned: Plan,
  access: Access,
): Promise<Shortfall[]> {
  const past = beforeHorizon(await horizons(), what, planned, access);
  if (past === undefined) return [];
  const counted = past.isAll ? 'nothing' : 'they were not';
  const message = `events before ${past.day} are in the archive only: ${counted} counted`;
  return [{ code: 'archive_not_counted', message }];
}

/** Of a search that looks into the archive too, where nobody knows it or the asker may not: what it left out. */
export async function unreachedShortfall(
  { horizons, unmarked }: Pick<Context, 'horizons' | 'unmarked'>,
  asked: FindSource,
  what: What,
  planned: Plan,
  access: Access,
): Promise<Shortfall[]> {
  const reached = unmarked !== undefined && allowedSource(asked, access) === 'auto';
  if (asked !== 'auto' || reached) return [];
  const past = beforeHorizon(await horizons(), what, planned, access);
  if (past === undefined) return [];
  const why = access.scopes.has('archive') ? 'this search API does not know' : 'needs the scope archive';
  const message = `events before ${past.day} are in the archive only, which ${why}`;
  return [{ code: 'no_archive', message }];
}

/** The latest first day of a stream in the store, when the time asked for begins before it. */
function beforeHorizon(
  horizons: ReadonlyMap<string, string>,
  { stream }: What,
  { fromNs, toNs }: Plan,
  access: Access,
): { day: string; isAll: boolean } | undefined {
  let latest = '';
  for (const [name, date] of horizons) {
    if ((stream !== undefined && name !== stream) || !streamAllowed(access, name)) continue;
    if (date > latest) latest = date;
  }
  if (latest === '') return undefined;
  const day = latest.replaceAll('.', '-');
  const horizonNs = BigInt(dateStartMs(latest)) * 1_000_000n;
  if (fromNs !== undefined && fromNs >= horizonNs) return undefined;
  return { day, isAll: toNs !== undefined && toNs < horizonNs };
}
