import { MillraceError } from '@millrace/core/errors.ts';
import { compileQuery } from '@millrace/core/query/compile.ts';
import { parseSearch, type Search } from '@millrace/core/query/parser.ts';
import type { Pipe } from '@millrace/core/query/pipes/pipe.ts';
import { formatNs, parseTime } from '@millrace/core/query/time.ts';
import type { Dsl } from '@millrace/core/store/port.ts';
import { Type } from 'typebox';
import { type Access, accessFilters } from './access/access.ts';
import { assertSearchAllowed } from './access/allowed.ts';
import { eventIndices } from './indices.ts';

/** What searches and histograms are both about. */
export const whatParameters = {
  q: Type.String({
    default: '',
    maxLength: 8192,
    description: 'Lucene query, and pipes; empty is everything',
  }),
  from: Type.String({
    default: 'now-15m',
    maxLength: 64,
    description: 'First time that counts: ISO 8601, now-15m, milliseconds since 1970; * for no bound',
  }),
  to: Type.String({ default: '*', maxLength: 64, description: 'Last time that counts; as from' }),
  stream: Type.Optional(
    Type.String({ pattern: '^[a-z0-9_]{1,100}$', description: 'One Millrace stream; absent: all' }),
  ),
};

export interface What {
  q: string;
  from: string;
  to: string;
  stream?: string;
}

/** A request, understood. Times are nanoseconds since 1970, inclusive; undefined is open. */
export interface Plan {
  indices: string[];
  /** The one stream that is asked for. */
  stream: string | undefined;
  /** Names with `*` of those that the asker may see; empty: all. Of others not even problems are told. */
  streams: readonly string[];
  /** All that an event must be: the query's conditions, the time, and what the asker may see. */
  query: Dsl;
  fromNs: bigint | undefined;
  toNs: bigint | undefined;
  /** What is done with the events that are found; what only counts or draws them all leaves it alone. */
  pipes: Pipe[];
}

/**
 * The one way from a request to a query: whoever reads events by a plan reads none that `access` keeps away.
 * `search` is what `q` says, for who had to read it before.
 * @throws MillraceError QUERY_INVALID
 * @throws Refused 403: it asks about a field that is hidden from the asker
 */
export function plan(what: What, nowMs: number, access: Access, search?: Search): Plan {
  const fromNs = what.from === '*' ? undefined : timeOf('from', what.from, nowMs).firstNs;
  const toNs = what.to === '*' ? undefined : timeOf('to', what.to, nowMs).lastNs;
  if (fromNs !== undefined && toNs !== undefined && fromNs > toNs)
    throw new MillraceError('QUERY_INVALID', `from ${formatNs(fromNs)} is after to ${formatNs(toNs)}`, {
      hint: 'exchange them',
    });
  const asked = search ?? parseSearch(what.q);
  assertSearchAllowed(access, asked);
  const query = compileQuery(asked.query, { nowMs });
  const bounds = {
    ...(fromNs === undefined ? {} : { gte: formatNs(fromNs) }),
    ...(toNs === undefined ? {} : { lte: formatNs(toNs) }),
  };
  const time = fromNs === undefined && toNs === undefined ? [] : [{ range: { '@timestamp': bounds } }];
  const filters = [...time, ...accessFilters(access)];
  return {
    indices: eventIndices(what.stream, fromNs, toNs),
    stream: what.stream,
    streams: access.streams,
    query: filters.length === 0 ? query : { bool: { filter: [...filters, query] } },
    fromNs,
    toNs,
    pipes: asked.pipes,
  };
}

function timeOf(parameter: string, text: string, nowMs: number) {
  try {
    return parseTime(text, nowMs);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw new MillraceError('QUERY_INVALID', `parameter ${parameter}: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
