import type { EventTime } from './parsed.ts';

/** First second that date_nanos cannot hold: 2262-04-11T23:47:16Z. */
export const secondsEnd = 9_223_372_036;

const daySeconds = 86_400;

/** Days since 1970-01-01 of a proleptic Gregorian date; `month` 1 to 12, any `day`. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

interface CivilDate {
  year: number;
  month: number;
  day: number;
}

/** The date `days` after 1970-01-01. */
export function civilFromDays(days: number): CivilDate {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1 };
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

export function dayOf(seconds: number): number {
  return Math.floor(seconds / daySeconds);
}

/** `YYYY-MM-DDTHH:MM:SS[.fraction]Z` with the digits that were written. The time must be storable. */
export function isoTime(time: EventTime): string {
  const seconds = isoSeconds(time.seconds);
  if (time.digits === 0) return `${seconds}Z`;
  return `${seconds}.${String(time.nanos).padStart(9, '0').slice(0, time.digits)}Z`;
}

/** Capture time: milliseconds, clamped to what an index can store, since it is the time of last resort. */
export function captureTime(capturedMs: number): EventTime {
  const ms = Math.min(Math.max(Math.trunc(capturedMs) || 0, 0), secondsEnd * 1000 - 1);
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000, digits: 3 };
}

let lastSeconds = 0;
let lastText = '1970-01-01T00:00:00';
let lastDay = 0;
let lastDate = '1970-01-01T';

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

function isoSeconds(seconds: number): string {
  if (seconds === lastSeconds) return lastText; // neighbours share their second
  const day = dayOf(seconds);
  if (day !== lastDay) {
    lastDate = new Date(day * daySeconds * 1000).toISOString().slice(0, 11);
    lastDay = day;
  }
  const clock = seconds - day * daySeconds;
  const minutes = Math.floor(clock / 60);
  const hour = twoDigits[Math.floor(minutes / 60)];
  lastText = `${lastDate}${hour}:${twoDigits[minutes % 60]}:${twoDigits[clock % 60]}`;
  lastSeconds = seconds;
  return lastText;
}
