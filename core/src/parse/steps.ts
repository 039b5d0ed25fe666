import type { Rule } from '../rule/rule.ts';
import type { Part, Step } from '../rule/steps-schema.ts';
import { captureTime, isoTime } from './calendar.ts';
import { compileTime } from './event-time.ts';
import { messageField, setField } from './fields.ts';
import { accessFields, lookup, looseMessage, type RecordView, removeName, removePath } from './lookup.ts';
import type { Fields, FieldValue, Parsed } from './parsed.ts';
import { compileReader } from './reader.ts';

/** Does a rule's steps to what a parser made of a record. `outer`: fields that its source adds. */
type Steps = (parsed: Parsed, text: string, capturedMs: number, outer: Fields | undefined) => void;

/**
 * What all steps together may write into one record, UTF-16 units, beside twice its text: a short rule must not make a
 * long document.
 */
const writtenMax = 65_536;

/** A record on its way through the steps. */
interface Working extends RecordView {
  capturedMs: number;
  /** Units that may still be written. */
  left: number;
  /** A field is gone that the record's text still holds. */
  removed: boolean;
}

type DoStep = (working: Working) => void;

/** @throws MillraceError RULE_INVALID for a parser that cannot be compiled */
export function compileSteps({ steps, add }: Rule): Steps | undefined {
  if (steps === undefined) return undefined;
  const all = steps.map(compileStep);
  return (parsed, text, capturedMs, ofSource) => {
    const outer = add === undefined || ofSource === undefined ? (add ?? ofSource) : { ...ofSource, ...add };
    const left = writtenMax + 2 * text.length;
    const working: Working = { parsed, text, outer, capturedMs, left, removed: false };
    for (const step of all) step(working);
    if (working.removed) coverText(working);
  };
}

/** The text of a value in a template, and what filters compare: JSON for objects and arrays, '' for nothing. */
export function valueText(value: FieldValue): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? jsonText(value) : String(value);
}

function compileStep(step: Step): DoStep {
  switch (step.op) {
    case 'set':
      return compileSet(step);
    case 'remove':
      return (working) => {
        for (const path of step.keys) if (removePath(working, path)) working.removed = true;
      };
    case 'keep': {
      const kept = new Set(step.keys);
      return (working) => keepOnly(working, kept);
    }
    case 'time':
      return compileTimeStep(step.key);
    case 'parse':
      return compileParseStep(step);
  }
}

function compileSet({ set }: Extract<Step, { op: 'set' }>): DoStep {
  return (working) => {
    const values = set.map(({ value }) => evaluate(value, working));
    const fields = fieldsOf(working.parsed);
    for (const [i, { key }] of set.entries()) setField(fields, key, values[i]);
  };
}

function evaluate(parts: Part[], working: Working): FieldValue {
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'object' && 'field' in only) {
    const value = lookup(working, only.field) ?? null;
    return charged(working, weight(value, working.left)) ? value : null;
  }
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else if ('field' in part) text += valueText(lookup(working, part.field));
    else text += isoTime(working.parsed.time ?? captureTime(working.capturedMs));
    if (text.length > working.left) break;
  }
  return charged(working, text.length) ? text : null;
}

/** False, and an error of the record, when it would grow beyond what a rule may add to it. */
function charged(working: Working, units: number): boolean {
  if (units <= working.left) {
    working.left -= units;
    return true;
  }
  const message = 'steps of its rule write too much into it';
  working.parsed.error ??= { type: 'limit', message };
  return false;
}

/** About as many units as the value has as JSON; counts no further than `limit`. */
function weight(value: FieldValue, limit: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 2;
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [name, item] of entries) {
    sum += (typeof name === 'string' ? name.length + 3 : 1) + weight(item, limit - sum);
    if (sum > limit) break;
  }
  return sum;
}

function keepOnly(working: Working, kept: ReadonlySet<string>): void {
  const { parsed, text } = working;
  const { fields, access } = parsed;
  const names = [
    ...Object.keys(fields ?? {}),
    ...Object.keys(access === undefined ? {} : accessFields(access)),
  ];
  if (looseMessage(parsed, text) !== undefined) names.push('message');
  for (const name of names) if (!kept.has(name) && removeName(working, name)) working.removed = true;
}

function compileTimeStep(key: string): DoStep {
  const read = compileTime({ type: 'float' }, 'iso');
  return (working) => {
    const { parsed, capturedMs } = working;
    const value = lookup(working, key);
    if (value === undefined || value === null) return;
    const time = read(value, captureTime(capturedMs));
    if (typeof time === 'string') parsed.error ??= { type: 'time', message: time };
    else parsed.time = time;
  };
}

function compileParseStep(step: Extract<Step, { op: 'parse' }>): DoStep {
  const { key, quiet = false } = step;
  const { parse, time, types, nulls } = step;
  const read = compileReader({
    parse,
    ...(time === undefined ? {} : { time }),
    ...(types === undefined ? {} : { types }),
    ...(nulls === undefined ? {} : { nulls }),
  });
  const name = typeof key === 'string' ? key : key.join('.');
  return (working) => {
    const value = lookup(working, key);
    const readable = typeof value === 'string' && charged(working, value.length);
    const found = readable ? read(value, working.capturedMs) : undefined;
    if (found === undefined || found.error?.type === 'parse') {
      const why =
        found?.error?.message ?? (value === undefined ? 'there is no such field' : 'no text to read');
      if (!quiet) working.parsed.error ??= { type: 'parse', message: `${name}: ${why}`.slice(0, 256) };
      return;
    }
    merge(step, working, found, value as string);
  };
}

/** What was read of a field takes its place among the record's fields. */
function merge(step: Extract<Step, { op: 'parse' }>, working: Working, found: Parsed, value: string): void {
  const { parsed } = working;
  const { keep, remove, prefix = '', into } = step;
  const wasMessage = parsed.fields !== undefined && messageField(parsed.fields) === step.key;
  const plain = prefix === '' && into === undefined;
  const values: Fields = { ...found.fields };
  if (found.message !== undefined && !Object.hasOwn(values, 'message')) values.message = found.message;
  if (found.access !== undefined && !plain) Object.assign(values, accessFields(found.access));
  if (!keep) {
    parsed.fields = undefined;
    parsed.access = undefined;
    parsed.message = value;
  } else if (remove) {
    removePath(working, step.key);
    if (wasMessage || step.key === 'message') parsed.message = value;
  }
  if (plain && found.access !== undefined) parsed.access = found.access;
  const named: Fields = {};
  for (const name of Object.keys(values)) setField(named, prefix + name, values[name]);
  const fields = fieldsOf(parsed);
  if (into !== undefined) setField(fields, into, named);
  else for (const name of Object.keys(named)) setField(fields, name, named[name]);
  if (step.keep_time !== true) {
    parsed.time = found.time ?? parsed.time;
    if (found.error !== undefined) parsed.error ??= found.error;
  }
  parsed.level = found.level ?? parsed.level;
}

function fieldsOf(parsed: Parsed): Fields {
  parsed.fields ??= {};
  return parsed.fields;
}

/** What was removed must not come back as part of the message, where that is the record's whole text. */
function coverText({ parsed }: Working): void {
  const { fields = {}, access } = parsed;
  if (parsed.message !== undefined || messageField(fields) !== undefined) return;
  parsed.message = jsonText(access === undefined ? fields : { ...accessFields(access), ...fields });
}

function jsonText(value: FieldValue): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
}
