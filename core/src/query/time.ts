import { MillraceError } from '../errors.ts';

/** A stretch of time that a text names, in nanoseconds since 1970: `2026-11-22` is a day, `now` an instant. */
export interface TimeSpan {
  firstNs: bigint;
  /** Last nanosecond of the stretch; equals `firstNs` for an instant. */
  lastNs: bigint;
}

/**
 * Reads `now`, `now-15m`, `now-1d/d`, ISO 8601 (UTC when no zone is written; a date, or a time to the minute, second
 * or fraction), and times since 1970: 10 digits are seconds, 11 to 14 milliseconds, 16 microseconds,
 * 19 nanoseconds. `nowMs` is the present in milliseconds since 1970.
 * @throws MillraceError QUERY_INVALID
 */
export function parseTime(text: string, nowMs: number): TimeSpan {
  const span = relative(text, nowMs) ?? epoch(text) ?? iso(text);
  if (span === undefined)
    throw new MillraceError('QUERY_INVALID', `"${text.slice(0, 64)}" is not a time`, {
      hint: timeHint(text),
    });
  if (span.firstNs < earliestNs || span.lastNs > latestNs)
    throw new MillraceError('QUERY_INVALID', `the time "${text.slice(0, 64)}" is out of range`, {
      hint: 'times lie between 1970 and 2262',
    });
  return span;
}

/** ISO 8601 in UTC with nine digits of fraction, as both engines read it for date_nanos. */
export function formatNs(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** Limits of the engines' date_nanos. */
export const earliestNs = 0n;
export const latestNs = 9_223_372_036_854_775_807n;

const msNs = 1_000_000n;

function timeHint(text: string): string {
  const duration = /^-?(\d+)\s*([smhdwMy])$/.exec(text);
  if (duration !== null) return `did you mean now-${duration[1]}${duration[2]}?`;
  return 'write now-15m, 2026-11-22, 2026-11-22T10:30:00Z or milliseconds since 1970';
}

function relative(text: string, nowMs: number): TimeSpan | undefined {
  if (!/^now(?:[+-]\d{1,7}[smhdwMyH])*(?:\/[smhdwMyH])?$/.test(text)) return undefined;
  let ms = nowMs;
  for (const [, sign, amount, unit] of text.matchAll(/([+-])(\d+)([a-zA-Z])/g))
    ms = shifted(ms, Number(amount) * (sign === '-' ? -1 : 1), unit ?? '');
  const rounding = /\/(.)$/.exec(text)?.[1];
  if (!Number.isFinite(ms)) throw outOfCalendar(text);
  if (rounding === undefined) return instant(BigInt(ms) * msNs);
  const first = floored(ms, rounding);
  const after = shifted(first, 1, rounding);
  if (!Number.isFinite(first) || !Number.isFinite(after)) throw outOfCalendar(text);
  return { firstNs: BigInt(first) * msNs, lastNs: BigInt(after) * msNs - 1n };
}

function outOfCalendar(text: string): MillraceError {
  return new MillraceError('QUERY_INVALID', `the time "${text}" is out of range`, {
    hint: 'times lie between 1970 and 2262',
  });
}

const unitMs: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  H: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

function shifted(ms: number, amount: number, unit: string): number {
  const width = unitMs[unit];
  if (width !== undefined) return ms + amount * width;
  const date = new Date(ms);
  const months = unit === 'y' ? amount * 12 : amount;
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  // The 31st of a shorter month is its last day, not a day of the next.
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return date.getTime();
}

function floored(ms: number, unit: string): number {
  const date = new Date(ms);
  if (unit === 'y') return Date.UTC(date.getUTCFullYear(), 0);
  if (unit === 'M') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  const width = unitMs[unit] ?? 1;
  // 1970 began on a Thursday, weeks begin on Mondays.
  const shift = unit === 'w' ? 4 * 86_400_000 : 0;
  return Math.floor((ms - shift) / width) * width + shift;
}

function epoch(text: string): TimeSpan | undefined {
  if (!/^\d{10,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  const width = { 10: 1_000_000_000n, 16: 1000n, 19: 1n }[text.length] ?? msNs;
  if (text.length > 14 && text.length !== 16 && text.length !== 19) return undefined;
  return { firstNs: value * width, lastNs: value * width + width - 1n };
}

const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(?:\s?(Z|z|UTC|[+-]\d\d(?::?\d\d)?))?$/;

function iso(text: string): TimeSpan | undefined {
  const match = isoPattern.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const [h, m, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)];
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), h, m, s);
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  // Date.UTC takes the year 99 for 1999.
  const sameYear = date.getUTCFullYear() === Number(year);
  const real = sameYear && date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  const offset = offsetMs(zone);
  if (!real || h > 23 || m > 59 || s > 59 || offset === undefined) return undefined;
  const firstNs = BigInt(ms - offset) * msNs + BigInt((fraction ?? '').padEnd(9, '0'));
  return { firstNs, lastNs: firstNs + precision(hour, second, fraction) - 1n };
}

/** Width of what was written, nanoseconds. */
function precision(
  hour: string | undefined,
  second: string | undefined,
  fraction: string | undefined,
): bigint {
  if (hour === undefined) return 86_400_000_000_000n;
  if (second === undefined) return 60_000_000_000n;
  return 10n ** BigInt(9 - (fraction ?? '').length);
}

function offsetMs(zone: string | undefined): number | undefined {
  if (zone === undefined || /^[zU]/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 18 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function instant(ns: bigint): TimeSpan {
  return { firstNs: ns, lastNs: ns };
}
