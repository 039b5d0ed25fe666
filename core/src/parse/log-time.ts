import { daysFromCivil, daysInMonth } from './calendar.ts';
import type { EventTime } from './parsed.ts';
import type { ReadTime } from './strptime.ts';
import { Cursor } from './time-cursor.ts';
import { emptyTimeFields, resolveTime } from './time-fields.ts';
import type { Zone } from './zone.ts';

/**
 * Texts of one time as system daemons write them (see LogTimeScanner), else what `otherwise` reads. What a text
 * leaves out is in `zone`, and as near to capture as resolveTime has it.
 */
export function compileLogTime(zone: Zone, otherwise: ReadTime): ReadTime {
  const scanner = new LogTimeScanner(zone);
  return (text, captured) => {
    const time = scanner.read(text, 0, captured);
    return time === undefined || scanner.end !== text.length ? otherwise(text, captured) : time;
  };
}

/** The minute of the last time that was read. */
interface Minute {
  /** From the date up to the seconds. */
  text: string;
  zoned: boolean;
  /** Its first second, as if its zone were UTC. */
  local: number;
  /** Its first second, without a zone behind it. */
  seconds: number;
  /** The second of capture, by which a missing year was found. */
  captured: number;
}

const monthNames = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const weekdayNames = 'SunMonTueWedThuFriSat';
const daySeconds = 86_400;
const powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/**
 * Reads the times that log lines begin with, at a given place and without an expression:
 * `2026-11-22[T| ]19:16:48[.,fraction][zone]`, `2026/11/22 19:16:48` (nginx, Go), `22/Nov/2026:19:16:48 +0000`,
 * `22 Nov 2026 19:16:48`, `Nov 22 19:16:48` (syslog; also with a year before the time of day),
 * `Sun Nov 22 19:16:48.123 2026`, `Sun, 22 Nov 2026 19:16:48 GMT` and `I1122 19:16:48.123456` (klog).
 */
export class LogTimeScanner {
  /** Behind the time that was read last. */
  end = 0;
  private readonly zone: Zone;
  private readonly fields = emptyTimeFields();
  private text = '';
  private minute: Minute | undefined;
  /** What may follow the time of day: nothing, a zone, or more. */
  private tail: 'none' | 'zone' | 'other' = 'none';
  private year = 0;
  private month = 0;
  private day = 0;
  private nanos = 0;
  private digits = 0;
  /** Second of the day. */
  private clock = 0;
  private second = 0;
  private clockEnd = 0;
  private offset: number | undefined;
  /** The time as if its zone were UTC. */
  private local = 0;

  constructor(zone: Zone) {
    this.zone = zone;
  }

  /** The time that stands at a place; undefined where none does. `captured` gives the year where none is written. */
  read(text: string, at: number, captured: EventTime): EventTime | undefined {
    this.text = text;
    const near = this.inLastMinute(at, captured);
    if (near !== undefined) return near;
    this.year = -1;
    const code = text.charCodeAt(at);
    const found = code <= 0x39 ? this.numeric(at) : this.named(at);
    if (!found || !isBoundary(text.charCodeAt(this.end))) return undefined;
    const time = this.resolved(captured);
    if (time !== undefined && this.tail !== 'other') this.remember(at, time, captured);
    return time;
  }

  /** Neighbouring lines are mostly of one minute: its text is known again at once. */
  private inLastMinute(at: number, captured: EventTime): EventTime | undefined {
    const { minute, text } = this;
    if (minute === undefined || minute.captured !== captured.seconds || !text.startsWith(minute.text, at))
      return undefined;
    const second = two(text, at + minute.text.length);
    if (second < 0 || second > 60) return undefined;
    this.behindClock(at + minute.text.length + 2);
    if (minute.zoned) this.offsetAt();
    if (!isBoundary(text.charCodeAt(this.end))) return undefined;
    const { nanos, digits, offset } = this;
    const start = offset === undefined ? minute.seconds : minute.local - offset;
    return { seconds: start + second, nanos, digits };
  }

  private remember(at: number, time: EventTime, captured: EventTime): void {
    const { second, offset, zone } = this;
    const local = this.local - second;
    this.minute = {
      // A copy: a part of the text would keep all of its block in memory.
      text: Buffer.from(this.text.slice(at, this.clockEnd - 2), 'latin1').toString('latin1'),
      zoned: this.tail === 'zone',
      local,
      // What has a zone of its own may be followed by what has none.
      seconds: offset === undefined ? time.seconds - second : zone(local),
      captured: captured.seconds,
    };
  }

  private numeric(at: number): boolean {
    const { text } = this;
    this.tail = 'zone';
    const separator = text.charCodeAt(at + 4);
    if ((separator === 0x2d || separator === 0x2f) && text.charCodeAt(at + 7) === separator)
      return this.yearFirst(at);
    const width = digit(text.charCodeAt(at + 1)) < 0 ? 1 : 2;
    const between = text.charCodeAt(at + width);
    if (between !== 0x2f && between !== 0x20 && between !== 0x2d) return false;
    return this.dayFirst(at, width, between);
  }

  private yearFirst(at: number): boolean {
    const { text } = this;
    const middle = text.charCodeAt(at + 10);
    if (middle !== 0x20 && middle !== 0x54 && middle !== 0x74) return false;
    this.year = two(text, at) * 100 + two(text, at + 2);
    this.month = two(text, at + 5);
    this.day = two(text, at + 8);
    return this.year >= 1970 && this.clockAt(at + 11) && this.offsetAt();
  }

  /** `22/Nov/2026:19:16:48 +0000`, `22 Nov 2026 19:16:48`, `22-Nov-2026 19:16:48`. */
  private dayFirst(at: number, width: number, between: number): boolean {
    const { text } = this;
    const month = at + width + 1;
    if (text.charCodeAt(month + 3) !== between) return false;
    this.month = nameAt(text, month, monthNames) + 1;
    if (this.month === 0) return false;
    this.day = width === 1 ? digit(text.charCodeAt(at)) : two(text, at);
    this.year = two(text, month + 4) * 100 + two(text, month + 6);
    const middle = text.charCodeAt(month + 8);
    if (this.year < 1970 || (middle !== 0x3a && middle !== 0x20)) return false;
    return this.clockAt(month + 9) && this.offsetAt();
  }

  private named(at: number): boolean {
    const { text } = this;
    this.tail = 'other';
    if (digit(text.charCodeAt(at + 1)) >= 0) return this.klog(at);
    this.month = nameAt(text, at, monthNames) + 1;
    if (this.month > 0) {
      this.tail = 'none';
      return this.monthFirst(at);
    }
    if (nameAt(text, at, weekdayNames) < 0) return false;
    const comma = text.charCodeAt(at + 3) === 0x2c;
    const date = at + (comma ? 5 : 4);
    if (text.charCodeAt(date - 1) !== 0x20) return false;
    if (comma) return this.dayFirst(date, digit(text.charCodeAt(date + 1)) < 0 ? 1 : 2, 0x20);
    this.month = nameAt(text, date, monthNames) + 1;
    if (this.month === 0 || !this.monthFirst(date)) return false;
    return this.year >= 0 || this.yearLast();
  }

  private klog(at: number): boolean {
    const { text } = this;
    if (!'IWEFD'.includes(text[at] ?? ' ') || text.charCodeAt(at + 5) !== 0x20) return false;
    this.month = two(text, at + 1);
    this.day = two(text, at + 3);
    return this.clockAt(at + 6) && this.digits > 0;
  }

  /** Behind the month: `Nov 22 19:16:48`, `Nov  2 19:16:48`, `Nov 22 2026 19:16:48`. */
  private monthFirst(at: number): boolean {
    const { text } = this;
    if (text.charCodeAt(at + 3) !== 0x20) return false;
    let from = text.charCodeAt(at + 4) === 0x20 ? at + 5 : at + 4;
    const width = digit(text.charCodeAt(from + 1)) < 0 ? 1 : 2;
    this.day = width === 1 ? digit(text.charCodeAt(from)) : two(text, from);
    from += width;
    if (text.charCodeAt(from) !== 0x20) return false;
    if (text.charCodeAt(from + 5) === 0x20) {
      this.year = two(text, from + 1) * 100 + two(text, from + 3);
      if (this.year < 1970) return false;
      from += 5;
    }
    return this.clockAt(from + 1);
  }

  /** The year behind the time of day, perhaps with a zone between them. */
  private yearLast(): boolean {
    const { text } = this;
    if (!this.offsetAt() || text.charCodeAt(this.end) !== 0x20) return false;
    this.year = two(text, this.end + 1) * 100 + two(text, this.end + 3);
    this.end += 5;
    return this.year >= 1970;
  }

  /** `19:16:48` with a fraction behind `.` or `,`, or without. */
  private clockAt(at: number): boolean {
    const { text } = this;
    if (text.charCodeAt(at + 2) !== 0x3a || text.charCodeAt(at + 5) !== 0x3a) return false;
    const [hour, minute, second] = [two(text, at), two(text, at + 3), two(text, at + 6)];
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
    this.clock = hour * 3600 + minute * 60 + second;
    this.second = second;
    this.clockEnd = at + 8;
    this.behindClock(at + 8);
    return true;
  }

  private behindClock(at: number): void {
    const { text } = this;
    this.end = at;
    this.nanos = 0;
    this.digits = 0;
    this.offset = undefined;
    const point = text.charCodeAt(at);
    if ((point === 0x2e || point === 0x2c) && digit(text.charCodeAt(at + 1)) >= 0) this.fraction();
  }

  private fraction(): void {
    let at = this.end + 1;
    for (; ; at++) {
      const value = digit(this.text.charCodeAt(at));
      if (value < 0) break;
      if (this.digits === 9) continue; // finer than nanoseconds
      this.nanos = this.nanos * 10 + value;
      this.digits++;
    }
    this.nanos *= powers[9 - this.digits] ?? 1;
    this.end = at;
  }

  /** A zone, at once or behind one space. What is no zone is left: always true. */
  private offsetAt(): boolean {
    const { text, end } = this;
    const code = text.charCodeAt(end);
    const at = code === 0x20 ? end + 1 : end;
    const first = at === end ? code : text.charCodeAt(at);
    const signed = first === 0x2b || first === 0x2d;
    const letter = first >= 0x41 && first <= 0x5a;
    // Of the words that may follow a time few have the length of a zone's name.
    if (!signed && !(letter && isShortWord(text, at))) return true;
    if (signed && this.plainOffset(at, first)) return true;
    const cursor = new Cursor(text);
    cursor.at = at;
    const offset = cursor.offset();
    // `-05` behind a space is as likely a number.
    if (offset === undefined || (signed && at > end && cursor.at - at < 5)) return true;
    if (!isBoundary(text.charCodeAt(cursor.at))) return true;
    this.offset = offset;
    this.end = cursor.at;
    return true;
  }

  /** `+0900`, which most are. */
  private plainOffset(at: number, sign: number): boolean {
    const { text } = this;
    const [hours, minutes] = [two(text, at + 1), two(text, at + 3)];
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || !isBoundary(text.charCodeAt(at + 5)))
      return false;
    this.offset = (sign === 0x2d ? -1 : 1) * (hours * 3600 + minutes * 60);
    this.end = at + 5;
    return true;
  }

  private resolved(captured: EventTime): EventTime | undefined {
    const { year, month, day, nanos, digits, offset, zone } = this;
    if (month < 1 || month > 12 || day < 1) return undefined;
    if (year < 0) {
      const { fields } = this;
      fields.month = month;
      fields.day = day;
      fields.second = this.clock;
      fields.nanos = nanos;
      fields.digits = digits;
      fields.offset = offset;
      const time = resolveTime(fields, zone, captured);
      if (typeof time === 'string') return undefined;
      this.local = 0; // never asked for: no zone follows such a time
      return time;
    }
    if (day > daysInMonth(year, month)) return undefined;
    const local = daysFromCivil(year, month, day) * daySeconds + this.clock;
    this.local = local;
    return { seconds: offset === undefined ? zone(local) : local - offset, nanos, digits };
  }
}

/** 0 to 9, or -1. */
function digit(code: number): number {
  return code >= 0x30 && code <= 0x39 ? code - 0x30 : -1;
}

/** Two digits; far below zero where they are not. */
function two(text: string, at: number): number {
  const tens = digit(text.charCodeAt(at));
  const ones = digit(text.charCodeAt(at + 1));
  return tens < 0 || ones < 0 ? -1_000_000 : tens * 10 + ones;
}

/** Index of the three letters among `names`, or -1. */
function nameAt(text: string, at: number, names: string): number {
  const first = text.charCodeAt(at);
  for (let index = 0; index < names.length; index += 3) {
    if (names.charCodeAt(index) !== first) continue;
    if (names.charCodeAt(index + 1) !== text.charCodeAt(at + 1)) continue;
    if (names.charCodeAt(index + 2) === text.charCodeAt(at + 2)) return index / 3;
  }
  return -1;
}

/** Up to four capital letters and no more. */
function isShortWord(text: string, at: number): boolean {
  let end = at;
  while (end < at + 5) {
    const code = text.charCodeAt(end);
    if (!(code >= 0x41 && code <= 0x5a)) break;
    end++;
  }
  return end < at + 5 && isBoundary(text.charCodeAt(end));
}

/** No letter, digit or colon: a time does not end within a word. */
function isBoundary(code: number): boolean {
  if (Number.isNaN(code)) return true;
  const lower = code | 0x20;
  return !((code >= 0x30 && code <= 0x3a) || (lower >= 0x61 && lower <= 0x7a));
}
