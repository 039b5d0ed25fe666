import type { Fields } from '../parse/parsed.ts';

/**
 * A JSON string. Lone surrogates become U+FFFD: they have no UTF-8, and engines that write `_source` anew refuse
 * them.
 */
export function quoted(text: string): string {
  return special.test(text) ? JSON.stringify(text.toWellFormed()) : `"${text}"`;
}

/** As `quoted`, for texts that are long or likely to hold quotes, where looking first does not pay. */
export function quotedLong(text: string): string {
  return JSON.stringify(text.isWellFormed() ? text : text.toWellFormed());
}

/** True when a text stands in JSON as it is. */
export function isPlain(text: string): boolean {
  return !special.test(text);
}

/** JSON of a record's fields: exact integers stay so, and half characters become U+FFFD. */
export function fieldsJson(fields: Fields): string {
  const text = exactJson(fields);
  return text.isWellFormed() ? text : text.toWellFormed();
}

/** JSON of a value that may hold bigints, which are numbers in it; `space` as for `JSON.stringify`. */
export function exactJson(value: unknown, space?: number): string {
  try {
    return JSON.stringify(value, undefined, space);
  } catch {
    // A bigint somewhere: looking for one in every record would cost more than all the rest.
    return JSON.stringify(value, exact, space);
  }
}

declare global {
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

function exact(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value;
}

/** A value whose bigints are numbers for whoever writes it as JSON; itself, where it holds none. */
export function writable(value: unknown): unknown {
  return holdsBigint(value) ? copied(value) : value;
}

function holdsBigint(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint';
  if (Array.isArray(value)) return value.some(holdsBigint);
  const members = value as Record<string, unknown>;
  for (const name in members) if (holdsBigint(members[name])) return true;
  return false;
}

function copied(value: unknown): unknown {
  if (typeof value === 'bigint') return JSON.rawJSON(String(value));
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copied);
  // Not by assignment: a log may have a field `__proto__`.
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copied(item)]));
}

const special = /["\\\u0000-\u001f\ud800-\udfff]/;
