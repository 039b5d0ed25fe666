import { MillraceError } from '../errors.ts';
import type { LeafParse, Reading } from '../rule/parse-schema.ts';
import { parseApacheError } from './apache-error.ts';
import { captureTime } from './calendar.ts';
import { compileContainer } from './container.ts';
import { compileConversions, convertFields } from './conversions.ts';
import { compileCsv, compileLtsv, parseLogfmt } from './delimited.ts';
import { compileTime, type Unformatted } from './event-time.ts';
import { setField } from './fields.ts';
import { parseJson } from './json.ts';
import { parseNginx } from './nginx.ts';
import { parseNone } from './none.ts';
import { compileNulls } from './nulls.ts';
import { type EventTime, type Fields, isFailure, type Parsed, type Parser, parseFailure } from './parsed.ts';
import { compileRegexp } from './regexp.ts';
import { compileSyslog } from './syslog.ts';

/** Reads one text: parser, nulls, types, time. Never throws: what it cannot read is `error` in the answer. */
type Reader = (text: string, capturedMs: number) => Parsed;

/** @throws MillraceError RULE_INVALID for an expression, time format or zone that cannot be compiled */
export function compileReader(reading: Reading): Reader {
  const { parse } = reading;
  switch (parse.type) {
    case 'multi':
      assertWhole(reading);
      return compileMulti(parse.patterns);
    case 'cri':
    case 'docker':
      assertWhole(reading);
      return compileContainer(parse, parse.inner === undefined ? undefined : compileReader(parse.inner));
    default:
      return compileLeaf(parse, reading);
  }
}

/** Parsers that hold others leave time, types and nulls to them. */
function assertWhole({ parse, time, types, nulls }: Reading): void {
  if (time === undefined && types === undefined && nulls === undefined) return;
  throw new MillraceError(
    'RULE_INVALID',
    `rule: time, types and nulls belong into the parsers of ${parse.type}`,
  );
}

function compileMulti(patterns: Reading[]): Reader {
  const readers = patterns.map((pattern) => ({ read: compileReader(pattern), mark: pattern.mark }));
  return (text, capturedMs) => {
    for (const { read, mark } of readers) {
      const parsed = read(text, capturedMs);
      if (parsed.error !== undefined) continue;
      if (mark !== undefined) {
        parsed.fields ??= {};
        setField(parsed.fields, mark.key, mark.value);
      }
      return parsed;
    }
    return failed(parseFailure('no pattern reads it'));
  };
}

function compileLeaf(parse: LeafParse, reading: Reading): Reader {
  const parser = createParser(parse);
  const toNull = reading.nulls === undefined ? undefined : compileNulls(reading.nulls);
  const conversions = reading.types === undefined ? undefined : compileConversions(reading.types);
  const readTime = parse.type === 'nginx' ? compileAccessTime(reading) : compileFieldTime(parse, reading);
  return (text, capturedMs) => {
    const raw = parser(text);
    if (isFailure(raw)) return failed(raw);
    const parsed: Parsed = {
      fields: raw.fields,
      access: raw.access,
      time: undefined,
      message: undefined,
      level: raw.level,
      error: undefined,
    };
    if (parsed.fields !== undefined) {
      toNull?.(parsed.fields);
      if (conversions !== undefined) convertFields(parsed.fields, conversions, capturedMs);
    }
    readTime?.(parsed, captureTime(capturedMs));
    return parsed;
  };
}

function failed(error: Parsed['error']): Parsed {
  return {
    fields: undefined,
    access: undefined,
    time: undefined,
    message: undefined,
    level: undefined,
    error,
  };
}

function createParser(parse: LeafParse): Parser {
  switch (parse.type) {
    case 'none':
      return parseNone;
    case 'json':
      return parseJson;
    case 'nginx':
      return parseNginx;
    case 'regexp':
      return compileRegexp(parse.expression, parse.flags ?? '', parse.names);
    case 'apache_error':
      return parseApacheError;
    case 'syslog':
      return compileSyslog(parse);
    case 'ltsv':
      return compileLtsv(parse);
    case 'csv':
      return compileCsv(parse);
    case 'logfmt':
      return parseLogfmt;
  }
}

type TimeStep = (parsed: Parsed, captured: EventTime) => void;

/** Parsers whose lines have a place for the time: it is read also where the rule says nothing about it. */
const timed = new Map<string, Unformatted>([
  ['syslog', 'log'],
  ['apache_error', 'log'],
]);

/** The field named by the rule; a record without it has no time of its own. */
function compileFieldTime(parse: LeafParse, reading: Reading): TimeStep | undefined {
  const unformatted = timed.get(parse.type);
  if (reading.time === undefined && unformatted === undefined) return undefined;
  const { key = 'time', keep = false } = reading.time ?? {};
  const read = compileTime(reading.time, unformatted ?? 'iso');
  return (parsed, captured) => {
    const fields = parsed.fields;
    if (fields === undefined || !Object.hasOwn(fields, key)) return;
    const value = fields[key];
    if (value === undefined || value === null) return;
    if (accept(parsed, read(value, captured)) && !keep) delete fields[key];
  };
}

/** The [time] column, which becomes a field only when the rule keeps it. */
function compileAccessTime({ time }: Reading): TimeStep {
  const read = compileTime(time, 'nginx');
  const key = time?.keep === true ? time.key : undefined;
  return (parsed, captured) => {
    const text = parsed.access?.time;
    if (text === undefined) return;
    accept(parsed, read(text, captured));
    if (key !== undefined) parsed.fields = { ...parsed.fields, ...fieldNamed(key, text) };
  };
}

/** Safe for any name, __proto__ included. */
function fieldNamed(name: string, value: string): Fields {
  return Object.fromEntries([[name, value]]);
}

function accept(parsed: Parsed, time: EventTime | string): boolean {
  if (typeof time === 'string') {
    parsed.error = { type: 'time', message: time };
    return false;
  }
  parsed.time = time;
  return true;
}
