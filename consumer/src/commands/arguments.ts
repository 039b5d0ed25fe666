import { parseArgs } from 'node:util';
import { MillraceError } from '@millrace/core/errors.ts';
import { parseTime } from '@millrace/core/query/time.ts';

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>;

/** As parseArgs, strict; a time may be written `--from -2h`. @throws TypeError ERR_PARSE_ARGS_… */
export function parseArguments<O extends Options>(args: string[], options: O) {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [arg = '', next] = [args[i], args[i + 1]];
    if (arg === '--')
      return parseArgs({ args: [...joined, ...args.slice(i)], options, allowPositionals: true });
    if (/^--[a-z-]+$/.test(arg) && next !== undefined && spanBefore.test(next)) {
      joined.push(`${arg}=${next}`);
      i++;
    } else joined.push(arg);
  }
  return parseArgs({ args: joined, options, allowPositionals: true });
}

const spanBefore = /^-\d{1,7}[smhdwMy]$/;

/**
 * A window of time: milliseconds since 1970, `toMs` excluded; a date as the end means all of that day.
 * @throws MillraceError QUERY_INVALID, USAGE
 */
export function timeWindow(
  from: string | undefined,
  to: string | undefined,
  nowMs: number,
): { fromMs?: number; toMs?: number } {
  const fromMs = from === undefined ? undefined : Number(parseMoment(from, nowMs).firstNs / 1_000_000n);
  const toMs = to === undefined ? undefined : Number(parseMoment(to, nowMs).lastNs / 1_000_000n) + 1;
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) {
    throw new MillraceError('USAGE', `--from ${from} is not before --to ${to}`);
  }
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
}

/** A time as a search takes it, or `-2h`. @throws MillraceError QUERY_INVALID */
export function parseMoment(text: string, nowMs: number) {
  return parseTime(/^-\d/.test(text) ? `now${text}` : text, nowMs);
}

/** An integer flag within its bounds. @throws MillraceError USAGE */
export function integerFlag(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new MillraceError('USAGE', `--${name} "${text}" is not a number from ${min} to ${max}`);
}
