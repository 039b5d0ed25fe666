import type { Fields, FieldValue } from '../parse/parsed.ts';

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
  let text: string;
  try {
    text = JSON.stringify(fields);
  } catch {
    // A bigint somewhere: looking for one in every record would cost more than all the rest.
    text = JSON.stringify(fields, exact);
  }
  return text.isWellFormed() ? text : text.toWellFormed();
}

declare global {
  interface JSON {
    rawJSON(text: string): object;
  }
}

function exact(_name: string, value: FieldValue): unknown {
  return typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value;
}

const special = /["\\\u0000-\u001f\ud800-\udfff]/;
