import { MillraceError } from '../errors.ts';

/** Turns a local wall-clock second (counted as if it were UTC) into a UTC second. */
export type Zone = (localSeconds: number) => number;

export const utc: Zone = (localSeconds) => localSeconds;

/**
 * A zone by IANA name or ±HH:MM. A local time that occurs twice (clocks set back) is the first of the two; one that
 * does not exist (clocks set forward) is read with the offset from before the change.
 * @throws MillraceError RULE_INVALID for a zone that does not exist
 */
export function compileZone(name: string): Zone {
  const fixed = fixedOffset(name);
  if (fixed === 0) return utc;
  if (fixed !== undefined) return (localSeconds) => localSeconds - fixed;
  const offsetAt = namedOffsets(name);
  // Offsets change at quarter hours only, so one answer serves the quarter. It is computed for the quarter's start,
  // never for the asking second: the answer must not depend on who asked first.
  const quarters = new Map<number, number>();
  return (localSeconds) => {
    const quarter = Math.floor(localSeconds / quarterSeconds);
    let offset = quarters.get(quarter);
    if (offset === undefined) {
      offset = localOffset(quarter * quarterSeconds, offsetAt);
      if (quarters.size >= quartersMax) quarters.clear();
      quarters.set(quarter, offset);
    }
    return localSeconds - offset;
  };
}

const quarterSeconds = 900;
const quartersMax = 4096;
const daySeconds = 86_400;

function localOffset(local: number, offsetAt: (utcSeconds: number) => number): number {
  const before = offsetAt(local - daySeconds);
  if (offsetAt(local - before) === before) return before;
  const after = offsetAt(local + daySeconds);
  return offsetAt(local - after) === after ? after : before;
}

function fixedOffset(name: string): number | undefined {
  if (/^(?:utc|gmt|z)$/i.test(name)) return 0;
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(name);
  if (match === null) return undefined;
  const [hours, minutes] = [Number(match[2]), Number(match[3])];
  if (hours > 23 || minutes > 59) throw unknownZone(name);
  return (match[1] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** Seconds east of UTC at a UTC second. */
function namedOffsets(name: string): (utcSeconds: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    throw unknownZone(name, cause);
  }
  return (utcSeconds) => {
    const part = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    let bc = false;
    for (const { type, value } of format.formatToParts(clampDate(utcSeconds))) {
      if (type === 'era') bc = value.startsWith('B');
      else if (type in part) part[type as keyof typeof part] = Number(value);
    }
    const date = new Date(0);
    date.setUTCFullYear(bc ? 1 - part.year : part.year, part.month - 1, part.day);
    date.setUTCHours(part.hour, part.minute, part.second);
    return date.getTime() / 1000 - clampDate(utcSeconds) / 1000;
  };
}

/** Milliseconds within what Date can hold, a year aside. */
function clampDate(seconds: number): number {
  const limit = 8.6e12;
  return Math.min(Math.max(seconds, -limit), limit) * 1000;
}

function unknownZone(name: string, cause?: unknown): MillraceError {
  return new MillraceError('RULE_INVALID', `time zone ${JSON.stringify(name)} does not exist`, {
    cause,
    hint: 'use an IANA name such as Asia/Seoul, or an offset such as +09:00',
  });
}
