import type { Rule } from '../rule/rule.ts';
import { captureTime } from './calendar.ts';
import { scanLevel } from './detect-level.ts';
import { messageField } from './fields.ts';
import { LogTimeScanner } from './log-time.ts';
import type { EventTime, Parsed } from './parsed.ts';
import { severityLevels } from './syslog.ts';
import { compileZone } from './zone.ts';

/** Adds to what a parser made of a text the time and the level that are written in it. */
type Detect = (parsed: Parsed, text: string, capturedMs: number) => void;

/** Characters in which a time must begin. */
const timeWindow = 64;
const clockWidth = 8;
/** Characters that are looked at: room for a date before the time of day, and for fraction, zone and year behind it. */
const clockWindow = 128;
/** One pass of the engine costs less than looking at each character here does. */
const timeOfDay = /[ :Tt]\d\d:\d\d:\d\d/g;
/** Seconds that a time may lie after capture; what is later was not written as the time of this line. */
const futureSeconds = 86_400;
/** Seconds before capture in which a bare number at the line's head is a time and no other number. */
const epochSeconds = 31 * 86_400;
/** Parsers whose records are text for people also where they yield fields. */
const textParsers = new Set<string>(['none', 'regexp', 'syslog', 'apache_error']);
const levelNames = ['log.level', 'level', 'severity'];

/**
 * Looks at the record's message; where a parser of data (JSON, CSV …) yields none, nowhere. A time stands within the
 * first 64 characters, a level behind it. What the parser knows stands.
 * @throws MillraceError RULE_INVALID for a zone that does not exist
 */
export function compileDetect(rule: Rule): Detect | undefined {
  const { time, level = false } = rule.detect ?? {};
  if (time === undefined && !level) return undefined;
  const scanner = time === undefined ? undefined : new HeadScanner(compileZone(time.zone));
  const levels = new HeadScanner(undefined);
  const textual = textParsers.has(rule.parse.type);
  return (parsed, text, capturedMs) => {
    const { fields } = parsed;
    const target = targetOf(parsed, text, textual);
    if (target === undefined) return;
    const timed = parsed.time !== undefined || parsed.error?.type === 'time' || parsed.access !== undefined;
    const leveled = !level || parsed.level !== undefined || (fields !== undefined && hasLevel(fields));
    if (timed && leveled) return;
    const head = timed || scanner === undefined ? levels : scanner;
    const found = head.scan(target, capturedMs);
    if (found !== undefined) parsed.time = found;
    if (leveled) return;
    parsed.level = head.level ?? scanLevel(target, 0, head.start) ?? scanLevel(target, head.end);
  };
}

function targetOf({ fields, message }: Parsed, text: string, textual: boolean): string | undefined {
  const name = fields === undefined ? undefined : messageField(fields);
  if (name !== undefined) return String(fields?.[name]);
  return message ?? (fields === undefined || textual ? text : undefined);
}

function hasLevel(fields: NonNullable<Parsed['fields']>): boolean {
  return levelNames.some((name) => Object.hasOwn(fields, name));
}

const klogLevels: Readonly<Record<string, string>> = {
  D: 'debug',
  I: 'info',
  W: 'warn',
  E: 'error',
  F: 'fatal',
};

/** Reads a line's head: a syslog priority, a time. */
class HeadScanner {
  /** Of the priority or klog's letter. */
  level: string | undefined;
  /** Where the time begins; 0 without one. */
  start = 0;
  /** Behind the time, or the priority, or 0. */
  end = 0;
  private readonly scanner: LogTimeScanner | undefined;

  constructor(zone: ConstructorParameters<typeof LogTimeScanner>[0] | undefined) {
    this.scanner = zone === undefined ? undefined : new LogTimeScanner(zone);
  }

  /** The time, unless the scanner has no zone or the line no time. */
  scan(text: string, capturedMs: number): EventTime | undefined {
    this.level = undefined;
    this.start = 0;
    this.end = 0;
    const start = this.priority(text);
    if (this.scanner === undefined) return undefined;
    const captured = captureTime(capturedMs);
    const window = text.length > start + clockWindow ? text.slice(0, start + clockWindow) : text;
    timeOfDay.lastIndex = start;
    while (timeOfDay.test(window)) {
      const time = this.timeAround(window, start, timeOfDay.lastIndex - clockWidth, captured);
      if (time !== undefined) return time;
    }
    return this.epoch(window, start, captured);
  }

  /** The time whose time of day stands at `clock`: what stands before it says where it begins. */
  private timeAround(text: string, start: number, clock: number, captured: EventTime): EventTime | undefined {
    const before = text.charCodeAt(clock - 1);
    // `2026-11-22T`, `22/Nov/2026:`
    if (before !== 0x20)
      return this.timeAt(text, start, before === 0x3a ? clock - 12 : clock - 11, clock, captured);
    const sign = text.charCodeAt(clock - 4);
    // `2026-11-22 `, `2026/11/22 `, `Sun Nov 22 `, `2 Nov 2026 `
    const time = this.timeAt(text, start, clock - 11, clock, captured);
    if (time !== undefined || sign === 0x2d || sign === 0x2f) return time;
    return (
      this.timeAt(text, start, clock - 7, clock, captured) ?? // `Nov 22 `
      this.timeAt(text, start, clock - 6, clock, captured) ?? // `I1122 `, `Nov 2 `
      this.timeAt(text, start, clock - 12, clock, captured) // `22 Nov 2026 `, `Nov 22 2026 `
    );
  }

  private timeAt(
    text: string,
    start: number,
    at: number,
    clock: number,
    captured: EventTime,
  ): EventTime | undefined {
    const { scanner } = this;
    if (scanner === undefined || at < start || at >= start + timeWindow) return undefined;
    if (at > start && isWordCode(text.charCodeAt(at - 1))) return undefined;
    const time = scanner.read(text, at, captured);
    if (time === undefined || scanner.end < clock + clockWidth) return undefined;
    if (time.seconds < 0 || time.seconds > captured.seconds + futureSeconds) return undefined;
    this.start = at;
    this.end = scanner.end;
    this.level = klogLevel(text, at) ?? this.level;
    return time;
  }

  /** A number of seconds or milliseconds at the line's head, perhaps in a bracket. */
  private epoch(text: string, start: number, captured: EventTime): EventTime | undefined {
    const first = text.charCodeAt(start);
    const at = first === 0x5b || first === 0x28 ? start + 1 : start;
    if (!isDigit(text.charCodeAt(at)) || !isDigit(text.charCodeAt(at + 9))) return undefined;
    const match = /^(\d{10})(?:(\d{3})|\.(\d{1,9}))?(?![\d.A-Za-z_-])/.exec(text.slice(at, at + 21));
    const seconds = Number(match?.[1] ?? Number.NaN);
    if (match === null || seconds < captured.seconds - epochSeconds) return undefined;
    if (seconds > captured.seconds + futureSeconds) return undefined;
    const fraction = match[2] ?? match[3] ?? '';
    this.end = at + match[0].length;
    return { seconds, nanos: Number(fraction.padEnd(9, '0')), digits: fraction.length };
  }

  /** `<0>` to `<191>`; returns where the line goes on. */
  private priority(text: string): number {
    if (text.charCodeAt(0) !== 0x3c) return 0;
    const close = text.indexOf('>', 1);
    if (close < 2 || close > 4) return 0;
    const priority = Number(text.slice(1, close));
    if (!(Number.isInteger(priority) && priority >= 0 && priority <= 191)) return 0;
    this.level = severityLevels[priority & 7];
    this.end = close + 1;
    return this.end;
  }
}

/** Of the letter before the date. */
function klogLevel(text: string, at: number): string | undefined {
  return isDigit(text.charCodeAt(at + 1)) && !isDigit(text.charCodeAt(at))
    ? klogLevels[text[at] ?? '']
    : undefined;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isWordCode(code: number): boolean {
  const lower = code | 0x20;
  return isDigit(code) || (lower >= 0x61 && lower <= 0x7a);
}
