import { MillraceError } from '@millrace/core/errors.ts';
import { compileQueryText } from '@millrace/core/query/compile.ts';
import { formatNs, parseTime } from '@millrace/core/query/time.ts';
import type { Dsl } from '@millrace/core/store/port.ts';
import { Type } from 'typebox';

/** What searches and histograms are both about. */
export const whatParameters = {
  q: Type.String({ default: '', maxLength: 8192, description: 'Lucene query; empty is everything' }),
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
  query: Dsl;
  fromNs: bigint | undefined;
  toNs: bigint | undefined;
}

/** @throws MillraceError QUERY_INVALID */
export function plan(what: What, nowMs: number): Plan {
  const fromNs = what.from === '*' ? undefined : timeOf('from', what.from, nowMs).firstNs;
  const toNs = what.to === '*' ? undefined : timeOf('to', what.to, nowMs).lastNs;
  if (fromNs !== undefined && toNs !== undefined && fromNs > toNs)
    throw new MillraceError('QUERY_INVALID', `from ${formatNs(fromNs)} is after to ${formatNs(toNs)}`, {
      hint: 'exchange them',
    });
  const query = compileQueryText(what.q, { nowMs });
  const bounds = {
    ...(fromNs === undefined ? {} : { gte: formatNs(fromNs) }),
    ...(toNs === undefined ? {} : { lte: formatNs(toNs) }),
  };
  const open = fromNs === undefined && toNs === undefined;
  return {
    // Daily and monthly indices of events; the index of marks has another form.
    indices: [`millrace-${what.stream ?? '*'}-*.*`],
    query: open ? query : { bool: { filter: [{ range: { '@timestamp': bounds } }, query] } },
    fromNs,
    toNs,
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
