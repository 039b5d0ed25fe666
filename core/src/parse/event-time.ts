import type { Time } from '../rule/parse-schema.ts';
import { secondsEnd } from './calendar.ts';
import { readEpoch } from './epoch.ts';
import { compileIso } from './iso8601.ts';
import { compileLogTime } from './log-time.ts';
import { compileNginxTime } from './nginx-time.ts';
import type { EventTime, FieldValue } from './parsed.ts';
import { compileFormat, type ReadTime } from './strptime.ts';
import { compileZone, utc, type Zone } from './zone.ts';

/** Reads a time field's value; a string is the reason why it is no time that can be stored. */
type ReadTimeValue = (value: FieldValue, captured: EventTime) => EventTime | string;

/** Longest text that is looked at. */
const timeTextMax = 256;

/** A rule's time without the name of its field. */
type TimeText = Omit<Time, 'key'> & { key?: string };

/** How texts are read where a rule gives no format: ISO 8601, and before it what the parser's logs hold. */
export type Unformatted = 'iso' | 'nginx' | 'log';

/**
 * The reader of a rule's time field. `unformatted` reads texts when the rule has no format.
 * @throws MillraceError RULE_INVALID for a format or zone that does not exist
 */
export function compileTime(time: TimeText | undefined, unformatted: Unformatted): ReadTimeValue {
  const zone = time?.zone === undefined ? utc : compileZone(time.zone);
  const readText = memoized(textReader(time, zone, unformatted));
  const type = time?.type ?? 'string';
  return (value, captured) => {
    const read = readValue(value, captured, readText, type);
    if (typeof read === 'string') return read;
    if (read.seconds < 0) return 'before 1970';
    return read.seconds >= secondsEnd ? 'after the year 2262' : read;
  };
}

function textReader(time: TimeText | undefined, zone: Zone, unformatted: Unformatted): ReadTime {
  if (time?.formats !== undefined) return firstOf(time.formats.map((format) => formatReader(format, zone)));
  if (time?.format !== undefined) return compileFormat(time.format, zone);
  const iso = compileIso(zone);
  if (unformatted === 'nginx') return compileNginxTime(iso);
  return unformatted === 'log' ? compileLogTime(zone, iso) : iso;
}

/** One of `formats`. */
function formatReader(format: string, zone: Zone): ReadTime {
  if (format === '%iso8601') return compileIso(zone);
  if (format === 'unixtime' || format === 'float') return (text) => readEpoch(text, format === 'float');
  return compileFormat(format, zone);
}

/** The first that reads the text; where none does, the reason of the last. */
function firstOf(readers: ReadTime[]): ReadTime {
  return (text, captured) => {
    let read: EventTime | string = '';
    for (const reader of readers) {
      read = reader(text, captured);
      if (typeof read !== 'string') return read;
    }
    return read;
  };
}

function readValue(
  value: FieldValue,
  captured: EventTime,
  readText: ReadTime,
  type: Time['type'],
): EventTime | string {
  if (typeof value === 'number' || typeof value === 'bigint') return readEpoch(value, type !== 'unixtime');
  if (typeof value !== 'string') return 'neither text nor a number';
  if (value.length > timeTextMax) return 'too long for a time';
  if (type === 'string') return readText(value, captured);
  const epoch = readEpoch(value, type !== 'unixtime');
  return type === 'auto' && typeof epoch === 'string' ? readText(value, captured) : epoch;
}

/** Neighbouring lines often carry the same text; the answer for it is kept, for one capture second. */
function memoized(read: ReadTime): ReadTime {
  let lastText: string | undefined;
  let lastCaptured = -1;
  let last: EventTime | string = '';
  return (text, captured) => {
    if (text === lastText && captured.seconds === lastCaptured) return last;
    last = read(text, captured);
    lastText = text;
    lastCaptured = captured.seconds;
    return last;
  };
}
