import { civilFromDays, dayOf } from '../parse/calendar.ts';

/** Events in [capture - 31 days, capture + 1 day] go to daily indices; fixed, so that it is never a setting (D13). */
const dailyBeforeMs = 31 * 86_400_000;
const dailyAfterMs = 86_400_000;

/** Makes index names of one stream; `stream` must have passed `assertStreamName`. */
type NameIndex = (eventSeconds: number, capturedSeconds: number) => string;

/**
 * `millrace-<stream>-YYYY.MM.DD` by the event's day in UTC, `millrace-<stream>-YYYY.MM` for events outside the fixed
 * window around capture, so that a backfill of years does not make a thousand indices (D7). Whole seconds.
 */
export function indexNames(stream: string): NameIndex {
  let lastDay = Number.NaN;
  let daily = '';
  let monthly = '';
  return (eventSeconds, capturedSeconds) => {
    const day = dayOf(eventSeconds);
    if (day !== lastDay) {
      const date = civilFromDays(day);
      monthly = `millrace-${stream}-${String(date.year).padStart(4, '0')}.${pad2(date.month)}`;
      daily = `${monthly}.${pad2(date.day)}`;
      lastDay = day;
    }
    const aheadMs = (eventSeconds - capturedSeconds) * 1000;
    return aheadMs >= -dailyBeforeMs && aheadMs <= dailyAfterMs ? daily : monthly;
  };
}

/** When the date of an index, `YYYY.MM.DD`, begins: milliseconds since 1970. */
export function dateStartMs(date: string): number {
  return Date.parse(`${date.replaceAll('.', '-')}T00:00:00Z`);
}

function pad2(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
