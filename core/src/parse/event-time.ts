import type { Rule } from '../rule/rule.ts';
import { secondsEnd } from './calendar.ts';
import { readEpoch } from './epoch.ts';
import { compileIso } from './iso8601.ts';
import { compileNginxTime } from './nginx-time.ts';
import type { EventTime, FieldValue } from './parsed.ts';
import { compileFormat, type ReadTime } from './strptime.ts';
import { compileZone, utc } from './zone.ts';

/** Reads a time field's value; a string is the reason why it is no time that can be stored. */
type ReadTimeValue = (value: FieldValue, captured: EventTime) => EventTime | string;

/** Longest text that is looked at. */
const timeTextMax = 256;

/**
 * The reader of a rule's time field. `fallback` reads texts when the rule has no format.
 * @throws MillraceError RULE_INVALID for a format or zone that does not exist
 */
export function compileTime(time: Rule['time'], fallback: 'iso' | 'nginx'): ReadTimeValue {
  const zone = time?.zone === undefined ? utc : compileZone(time.zone);
  const iso = compileIso(zone);
  const unformatted = fallback === 'nginx' ? compileNginxTime(iso) : iso;
  const readText = memoized(time?.format === undefined ? unformatted : compileFormat(time.format, zone));
  const type = time?.type ?? 'string';
  return (value, captured) => {
    const read = readValue(value, captured, readText, type);
    if (typeof read === 'string') return read;
    if (read.seconds < 0) return 'before 1970';
    return read.seconds >= secondsEnd ? 'after the year 2262' : read;
  };
}

function readValue(
  value: FieldValue,
  captured: EventTime,
  readText: ReadTime,
  type: 'string' | 'float' | 'unixtime',
): EventTime | string {
  if (typeof value === 'number' || typeof value === 'bigint') return readEpoch(value, type !== 'unixtime');
  if (typeof value !== 'string') return 'neither text nor a number';
  if (value.length > timeTextMax) return 'too long for a time';
  return type === 'string' ? readText(value, captured) : readEpoch(value, type === 'float');
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
