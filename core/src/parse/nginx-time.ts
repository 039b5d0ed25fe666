import { daysFromCivil, daysInMonth } from './calendar.ts';
import type { EventTime } from './parsed.ts';
import { compileFormat, type ReadTime } from './strptime.ts';
import { utc } from './zone.ts';

const monthNames = 'JanFebMarAprMayJunJulAugSepOctNovDec';

/** `$time_local` (`02/Jan/2026:03:04:05 +0900`) by fixed positions, else `$time_iso8601` by `iso`. */
export function compileNginxTime(iso: ReadTime): ReadTime {
  const local = compileFormat('%d/%b/%Y:%H:%M:%S %z', utc);
  return (text, captured): EventTime | string => {
    if (text.charCodeAt(2) !== 0x2f) return iso(text, captured);
    const seconds = fixedPositions(text);
    // What is merely written unusually (a zone such as +09:00) still gets the whole reader and its reasons.
    return seconds === undefined ? local(text, captured) : { seconds, nanos: 0, digits: 0 };
  };
}

function fixedPositions(text: string): number | undefined {
  if (text.length !== 26 || text[6] !== '/' || text[11] !== ':' || text[14] !== ':' || text[17] !== ':')
    return undefined;
  const monthAt = monthNames.indexOf(text.slice(3, 6));
  const [day, year] = [digits(text, 0, 2), digits(text, 7, 4)];
  const [hour, minute, second] = [digits(text, 12, 2), digits(text, 15, 2), digits(text, 18, 2)];
  const [zoneHour, zoneMinute] = [digits(text, 22, 2), digits(text, 24, 2)];
  const sign = text[21] === '+' ? 1 : text[21] === '-' ? -1 : 0;
  if (monthAt < 0 || monthAt % 3 !== 0 || sign === 0 || text[20] !== ' ' || text[2] !== '/') return undefined;
  // Comparisons are written so that NaN, the answer for what is no digit, fails them.
  const month = monthAt / 3 + 1;
  if (!(day >= 1 && day <= daysInMonth(year, month) && hour <= 23 && minute <= 59 && second <= 60))
    return undefined;
  if (!(zoneHour <= 23 && zoneMinute <= 59)) return undefined;
  const clock = hour * 3600 + minute * 60 + second;
  return daysFromCivil(year, month, day) * 86_400 + clock - sign * (zoneHour * 3600 + zoneMinute * 60);
}

/** NaN unless all `width` characters are digits. */
function digits(text: string, at: number, width: number): number {
  let value = 0;
  for (let i = at; i < at + width; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
