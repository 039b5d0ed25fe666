import { secondsEnd } from './calendar.ts';
import type { EventTime } from './parsed.ts';

const plain = /^\d{1,20}(?:\.\d{1,30})?$/;

/**
 * Seconds since 1970 as number or text, with a fraction if `fraction`. Numbers too great to be seconds before
 * 2262 are milli-, micro- or nanoseconds: the smallest unit that fits. A string is the reason why it is no time.
 */
export function readEpoch(value: string | number | bigint, fraction: boolean): EventTime | string {
  const text = plainText(value);
  if (text === undefined) return 'not a number of seconds since 1970';
  const point = text.indexOf('.');
  const whole = point < 0 ? text : text.slice(0, point);
  const written = point < 0 || !fraction ? '' : text.slice(point + 1);
  for (const shift of [0, 3, 6, 9]) {
    const seconds = shift === 0 ? whole : whole.slice(0, -shift);
    if (Number(seconds) >= secondsEnd) continue;
    const fractionText = ((shift === 0 ? '' : whole.slice(-shift)) + written).slice(0, 9);
    return {
      seconds: Number(seconds),
      nanos: Number(fractionText.padEnd(9, '0')),
      digits: fractionText.length,
    };
  }
  return 'after the year 2262';
}

/** Plain decimal digits; exponents are written out. Undefined for all that is no positive number. */
function plainText(value: string | number | bigint): string | undefined {
  if (typeof value !== 'string') value = String(value);
  const text = value.trim();
  if (plain.test(text)) return text;
  if (!/^\d{1,40}(?:\.\d{1,40})?[eE][+]?\d{1,2}$/.test(text)) return undefined;
  const written = String(Number(text));
  return plain.test(written) ? written : undefined;
}
