import { MillraceError } from '../errors.ts';
import type { EventTime } from './parsed.ts';
import { Cursor } from './time-cursor.ts';
import { emptyTimeFields, resolveTime, type TimeFields } from './time-fields.ts';
import type { Zone } from './zone.ts';

/** Reads one time; a string is the reason why it cannot be read. `captured` gives what the text leaves out. */
export type ReadTime = (text: string, captured: EventTime) => EventTime | string;

/** One directive or literal of a format. */
type Step = (cursor: Cursor, fields: TimeFields) => boolean;

/**
 * Compiles a strptime format. White space in the format stands for any white space or none; white space around the
 * whole text is skipped; any other text after the format's end is an error, not ignored: it would often be the zone.
 * @throws MillraceError RULE_INVALID for an unknown directive
 */
export function compileFormat(format: string, zone: Zone): ReadTime {
  const steps = compileSteps(expandShorthands(format));
  return (text, captured) => {
    const cursor = new Cursor(text);
    const fields = emptyTimeFields();
    cursor.skipSpace();
    for (const step of steps) {
      if (!step(cursor, fields)) return `does not fit the format at character ${cursor.at + 1}`;
    }
    cursor.skipSpace();
    if (!cursor.done()) return `text after the format's end at character ${cursor.at + 1}`;
    return resolveTime(fields, zone, captured);
  };
}

const shorthands: Record<string, string> = {
  '%T': '%H:%M:%S',
  '%F': '%Y-%m-%d',
  '%D': '%m/%d/%y',
  '%R': '%H:%M',
};

function expandShorthands(format: string): string {
  return format.replace(/%./g, (directive) => shorthands[directive] ?? directive);
}

function compileSteps(format: string): Step[] {
  const tokens = format.match(/%[369]N|%[\s\S]|\s+|[^%\s]+|%$/g) ?? [];
  return tokens.map((token, index) => compileStep(token, startsWithDigits(tokens[index + 1])));
}

function compileStep(token: string, digitsFollow: boolean): Step {
  if (/^\s/.test(token)) return (cursor) => cursor.skipSpace();
  if (!token.startsWith('%')) return (cursor) => cursor.literal(token);
  const step = fraction(token, digitsFollow) ?? directives[token];
  if (step !== undefined) return step;
  throw new MillraceError('RULE_INVALID', `time format: ${JSON.stringify(token)} is not a directive`, {
    hint: 'directives: %Y %m %d %H %M %S %L %N %3N %6N %9N %f %z %Z %b %B %a %A %e %y %j %s %p %I %T %F %D %R %k %l %%',
  });
}

/** Fractions take all digits there are, unless a number follows without a gap: then their own width. */
function fraction(token: string, digitsFollow: boolean): Step | undefined {
  const width = /^%([369])N$/.exec(token)?.[1];
  if (width !== undefined) return (cursor, fields) => cursor.fraction(fields, Number(width));
  const natural = { '%L': 3, '%f': 6, '%N': 9 }[token];
  if (natural === undefined) return undefined;
  return (cursor, fields) => cursor.fraction(fields, digitsFollow ? natural : Number.MAX_SAFE_INTEGER);
}

function startsWithDigits(token: string | undefined): boolean {
  return token !== undefined && /^(?:\d|%[YmdHMSLNf369eyjsIkl])/.test(token);
}

type NumericField = 'year' | 'month' | 'day' | 'dayOfYear' | 'hour' | 'minute' | 'second';

function numeric(field: NumericField, width: number, min: number, max: number): Step {
  return (cursor, fields) => {
    const value = cursor.number(width);
    if (value === undefined || value < min || value > max) return false;
    fields[field] = value;
    return true;
  };
}

/** As numeric, with blanks for leading zeros. */
function padded(field: NumericField, width: number, min: number, max: number): Step {
  const read = numeric(field, width, min, max);
  return (cursor, fields) => cursor.skipSpace() && read(cursor, fields);
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const monthNames = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const weekdayNames = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const month: Step = (cursor, fields) => {
  const index = cursor.name(monthNames, months);
  if (index !== undefined) fields.month = index + 1;
  return index !== undefined;
};
const weekday: Step = (cursor) => cursor.name(weekdayNames, weekdays) !== undefined;
const zoneOffset: Step = (cursor, fields) => {
  fields.offset = cursor.offset();
  return fields.offset !== undefined;
};

const directives: Record<string, Step> = {
  '%Y': numeric('year', 4, 0, 9999),
  '%m': padded('month', 2, 1, 12),
  '%d': padded('day', 2, 1, 31),
  '%e': padded('day', 2, 1, 31),
  '%j': numeric('dayOfYear', 3, 1, 366),
  '%H': padded('hour', 2, 0, 23),
  '%k': padded('hour', 2, 0, 23),
  '%I': padded('hour', 2, 1, 12),
  '%l': padded('hour', 2, 1, 12),
  '%M': numeric('minute', 2, 0, 59),
  '%S': numeric('second', 2, 0, 60),
  '%b': month,
  '%B': month,
  '%a': weekday,
  '%A': weekday,
  '%z': zoneOffset,
  '%Z': zoneOffset,
  '%%': (cursor) => cursor.literal('%'),
  '%y': (cursor, fields) => {
    const value = cursor.number(2);
    if (value !== undefined) fields.year = value + (value < 69 ? 2000 : 1900);
    return value !== undefined;
  },
  '%s': (cursor, fields) => {
    const negative = cursor.literal('-');
    const value = cursor.number(15);
    if (value !== undefined) fields.epoch = negative ? -value : value;
    return value !== undefined;
  },
  '%p': (cursor, fields) => {
    const index = cursor.name(['am', 'pm']);
    if (index !== undefined) fields.afternoon = index === 1;
    return index !== undefined;
  },
};
