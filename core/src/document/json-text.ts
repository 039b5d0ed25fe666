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

const special = /["\\\u0000-\u001f\ud800-\udfff]/;
