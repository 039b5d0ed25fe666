import type { Rule } from '../rule/rule.ts';
import { captureTime } from './calendar.ts';
import { compileConversions, convertFields } from './conversions.ts';
import { compileTime } from './event-time.ts';
import { parseJson } from './json.ts';
import { parseNginx } from './nginx.ts';
import { parseNone } from './none.ts';
import { type EventTime, type Fields, isFailure, type Parsed, type Parser } from './parsed.ts';
import { compileRegexp } from './regexp.ts';

/** A rule made ready to read records. */
export interface CompiledRule {
  rule: Rule;
  /**
   * Reads one record's text, without its terminator. Never throws: what it cannot read is `error` in the answer.
   * `capturedMs`, milliseconds since 1970, gives a time what its text leaves out.
   */
  parse(text: string, capturedMs: number): Parsed;
}

/** @throws MillraceError RULE_INVALID for an expression, time format or zone that cannot be compiled */
export function compileRule(rule: Rule): CompiledRule {
  const parser = createParser(rule);
  const conversions = rule.types === undefined ? undefined : compileConversions(rule.types);
  const readTime = rule.parse.type === 'nginx' ? compileAccessTime(rule) : compileFieldTime(rule);
  return {
    rule,
    parse(text, capturedMs) {
      const raw = parser(text);
      if (isFailure(raw)) return { fields: undefined, access: undefined, time: undefined, error: raw };
      const parsed: Parsed = { fields: raw.fields, access: raw.access, time: undefined, error: undefined };
      if (conversions !== undefined && parsed.fields !== undefined) convertFields(parsed.fields, conversions);
      readTime?.(parsed, captureTime(capturedMs));
      return parsed;
    },
  };
}

function createParser(rule: Rule): Parser {
  switch (rule.parse.type) {
    case 'none':
      return parseNone;
    case 'json':
      return parseJson;
    case 'nginx':
      return parseNginx;
    case 'regexp':
      return compileRegexp(rule.parse.expression, rule.parse.flags ?? '');
  }
}

type TimeStep = (parsed: Parsed, captured: EventTime) => void;

/** The field named by the rule; a record without it has no time of its own. */
function compileFieldTime(rule: Rule): TimeStep | undefined {
  if (rule.time === undefined) return undefined;
  const { key, keep = false } = rule.time;
  const read = compileTime(rule.time, 'iso');
  return (parsed, captured) => {
    const fields = parsed.fields;
    if (fields === undefined || !Object.hasOwn(fields, key)) return;
    const value = fields[key];
    if (value === undefined || value === null) return;
    if (accept(parsed, read(value, captured)) && !keep) delete fields[key];
  };
}

/** The [time] column, which becomes a field only when the rule keeps it. */
function compileAccessTime(rule: Rule): TimeStep {
  const read = compileTime(rule.time, 'nginx');
  const key = rule.time?.keep === true ? rule.time.key : undefined;
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
