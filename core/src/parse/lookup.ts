import type { Path } from '../rule/steps-schema.ts';
import { setField } from './fields.ts';
import type { AccessLine, Fields, FieldValue, Parsed } from './parsed.ts';

/** A record as filters see it: what was made of its text so far, and the fields that its source adds. */
export interface RecordView {
  parsed: Parsed;
  /** Without its terminator. */
  text: string;
  /** Fields that rule and source add: a document has them in place of the record's own of the same name. */
  outer: Fields | undefined;
}

/**
 * The value of a field; undefined when there is none. Besides the parsed fields these have a name: the columns of an
 * access log (`remote`, `host`, `user`, `method`, `path`, `code`, `size`, `referer`, `agent`,
 * `http_x_forwarded_for`), `message` for a text that is no field, `level` where it was found in the text.
 */
export function lookup(view: RecordView, path: Path): FieldValue {
  if (typeof path === 'string') return lookupName(view, path);
  const [first, ...rest] = path;
  let value = lookupName(view, String(first));
  for (const step of rest) value = inside(value, step);
  return value;
}

/** Removes a field; true when it was there. Objects on the way are replaced, since other fields may share them. */
export function removePath(view: RecordView, path: Path): boolean {
  const [first, ...rest] = typeof path === 'string' ? [path] : path;
  const name = String(first);
  const { fields } = view.parsed;
  if (rest.length === 0) return removeName(view, name);
  if (fields === undefined || !Object.hasOwn(fields, name)) return false;
  const without = removeInside(fields[name], rest);
  if (without === undefined) return false;
  setField(fields, name, without.value);
  return true;
}

export function removeName({ parsed, text }: RecordView, name: string): boolean {
  const { fields, access } = parsed;
  if (fields !== undefined && Object.hasOwn(fields, name)) return delete fields[name];
  const column = accessColumns.get(name);
  if (access !== undefined && column !== undefined && access[column] !== undefined) {
    access[column] = undefined;
    return true;
  }
  if (name === 'message' && looseMessage(parsed, text) !== undefined) parsed.message = '';
  else if (name === 'level' && parsed.level !== undefined) parsed.level = undefined;
  else return false;
  return true;
}

/** The text that is the message and no field: that of a record that was not read, or what a container wrote. */
export function looseMessage({ fields, access, message }: Parsed, text: string): string | undefined {
  return message ?? (fields === undefined && access === undefined ? text : undefined);
}

/** The columns of an access log as fields, under fluentd's names. */
export function accessFields(access: AccessLine): Fields {
  const fields: Fields = {};
  for (const [name, column] of accessColumns) {
    const value = access[column];
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

const accessColumns = new Map<string, Exclude<keyof AccessLine, 'time' | 'version'>>([
  ['remote', 'remote'],
  ['host', 'host'],
  ['user', 'user'],
  ['method', 'method'],
  ['path', 'target'],
  ['code', 'status'],
  ['size', 'bytes'],
  ['referer', 'referrer'],
  ['agent', 'agent'],
  ['http_x_forwarded_for', 'forwardedFor'],
]);

function lookupName({ parsed, text, outer }: RecordView, name: string): FieldValue {
  const { fields, access } = parsed;
  if (outer !== undefined && Object.hasOwn(outer, name)) return outer[name];
  if (fields !== undefined && Object.hasOwn(fields, name)) return fields[name];
  const column = access === undefined ? undefined : accessColumns.get(name);
  if (access !== undefined && column !== undefined) return access[column];
  if (name === 'message') return looseMessage(parsed, text);
  return name === 'level' ? parsed.level : undefined;
}

function inside(value: FieldValue, step: string | number): FieldValue {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return typeof step === 'number' ? value.at(step) : undefined;
  const name = String(step);
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A copy of `value` without what `path` leads to; undefined when it leads nowhere. */
function removeInside(value: FieldValue, path: (string | number)[]): { value: FieldValue } | undefined {
  const [step, ...rest] = path;
  if (typeof value !== 'object' || value === null || step === undefined) return undefined;
  if (Array.isArray(value)) return removeItem(value, step, rest);
  const name = String(step);
  if (!Object.hasOwn(value, name)) return undefined;
  const copy: Fields = {};
  for (const key of Object.keys(value)) if (key !== name || rest.length > 0) setField(copy, key, value[key]);
  if (rest.length === 0) return { value: copy };
  const inner = removeInside(value[name], rest);
  if (inner === undefined) return undefined;
  setField(copy, name, inner.value);
  return { value: copy };
}

function removeItem(
  items: FieldValue[],
  step: string | number,
  rest: (string | number)[],
): { value: FieldValue } | undefined {
  const index = typeof step === 'number' ? (step < 0 ? items.length + step : step) : -1;
  if (index < 0 || index >= items.length) return undefined;
  if (rest.length === 0) return { value: items.toSpliced(index, 1) };
  const inner = removeInside(items[index], rest);
  return inner === undefined ? undefined : { value: items.with(index, inner.value) };
}
