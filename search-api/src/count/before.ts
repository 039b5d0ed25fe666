import { MillraceError } from '@millrace/core/errors.ts';
import { formatNs } from '@millrace/core/query/time.ts';
import type { Plan } from '../plan.ts';

/**
 * `from` and `to` of the time that another is compared with.
 * @throws MillraceError QUERY_INVALID
 */
export function beforeOf(text: string, after: Plan, nowMs: number): { from: string; to: string } {
  if (after.fromNs === undefined)
    throw new MillraceError('QUERY_INVALID', 'a time without a beginning cannot be compared with another', {
      hint: 'give from: how often something was is told by how long the time is',
    });
  if (text !== 'previous') {
    const [from = '', to = '', more] = text.split('..');
    if (from !== '' && to !== '' && from !== '*' && to !== '*' && more === undefined) return { from, to };
    throw new MillraceError('QUERY_INVALID', 'parameter with: neither previous nor FROM..TO', {
      hint: 'write with=previous, or two times as in with=now-2d..now-1d',
    });
  }
  const to = after.fromNs - 1n;
  return { from: formatNs(to - lengthNs(after, nowMs)), to: formatNs(to) };
}

/** Nanoseconds until now, or until its end where that is over: what is to come has no events yet. At least one. */
export function lengthNs({ fromNs = 0n, toNs }: Plan, nowMs: number): bigint {
  const nowNs = BigInt(nowMs) * 1_000_000n;
  const endNs = toNs === undefined || (toNs > nowNs && fromNs < nowNs) ? nowNs : toNs;
  const length = endNs - fromNs;
  return length > 0n ? length : 1n;
}
