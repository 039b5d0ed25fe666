import { civilFromDays, dayOf, daysFromCivil, daysInMonth } from './calendar.ts';
import type { EventTime } from './parsed.ts';
import type { Zone } from './zone.ts';

/** What a time text says; undefined where it says nothing. Filled by strptime and ISO readers. */
export interface TimeFields {
  year: number | undefined;
  month: number | undefined;
  day: number | undefined;
  dayOfYear: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanos: number;
  digits: number;
  /** Seconds east of UTC. */
  offset: number | undefined;
  afternoon: boolean | undefined;
  /** Seconds since 1970, when written so. */
  epoch: number | undefined;
}

export function emptyTimeFields(): TimeFields {
  return {
    year: undefined,
    month: undefined,
    day: undefined,
    dayOfYear: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanos: 0,
    digits: 0,
    offset: undefined,
    afternoon: undefined,
    epoch: undefined,
  };
}

const daySeconds = 86_400;
/** How far after capture a time may lie and still be of this year. */
const yearSlackSeconds = daySeconds;
/** How far after capture a time may lie and still be of this day. */
const daySlackSeconds = 3_600;
/** Between two February 29ths lie at most 8 years. */
const yearsBack = 8;

/**
 * The instant that the fields name, or why there is none. Without a year it is the latest one that is at most a day
 * after capture; without a date the latest one that is at most an hour after capture (D13: no clock but the block's).
 */
export function resolveTime(fields: TimeFields, zone: Zone, captured: EventTime): EventTime | string {
  const { nanos, digits } = fields;
  if (fields.epoch !== undefined) return { seconds: fields.epoch, nanos, digits };
  const offset = fields.offset;
  const toUtc: Zone = offset === undefined ? zone : (local) => local - offset;
  const clock = secondsOfDay(fields);
  if (clock === undefined) return 'hour out of range';
  const { year, month, day, dayOfYear } = fields;
  let seconds: number | undefined;
  if (year !== undefined) seconds = inYear(year, fields, clock, toUtc);
  else if (month === undefined && day === undefined && dayOfYear === undefined)
    seconds = nearDay(clock, toUtc, captured.seconds);
  else seconds = nearYear(fields, clock, toUtc, captured.seconds);
  return seconds === undefined ? 'no such date' : { seconds, nanos, digits };
}

function secondsOfDay(fields: TimeFields): number | undefined {
  let hour = fields.hour;
  if (fields.afternoon !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (fields.afternoon ? 12 : 0);
  }
  return hour * 3600 + fields.minute * 60 + fields.second;
}

function inYear(year: number, fields: TimeFields, clock: number, toUtc: Zone): number | undefined {
  if (fields.dayOfYear !== undefined) {
    const first = daysFromCivil(year, 1, 1);
    if (fields.dayOfYear > daysFromCivil(year + 1, 1, 1) - first) return undefined;
    return toUtc((first + fields.dayOfYear - 1) * daySeconds + clock);
  }
  const [month, day] = [fields.month ?? 1, fields.day ?? 1];
  if (day > daysInMonth(year, month)) return undefined;
  return toUtc(daysFromCivil(year, month, day) * daySeconds + clock);
}

function nearYear(fields: TimeFields, clock: number, toUtc: Zone, captured: number): number | undefined {
  const { year } = civilFromDays(dayOf(captured));
  for (let candidate = year + 1; candidate >= year - yearsBack; candidate--) {
    const seconds = inYear(candidate, fields, clock, toUtc);
    if (seconds !== undefined && seconds <= captured + yearSlackSeconds) return seconds;
  }
  return undefined;
}

function nearDay(clock: number, toUtc: Zone, captured: number): number | undefined {
  const today = dayOf(captured);
  // Zones reach 14 hours to the east: local days begin up to one before and end up to two after the UTC day.
  for (let day = today + 2; day >= today - 3; day--) {
    const seconds = toUtc(day * daySeconds + clock);
    if (seconds <= captured + daySlackSeconds) return seconds;
  }
  return undefined;
}
