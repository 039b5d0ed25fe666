import { exactJson } from '@millrace/core/document/json-text.ts';

/** How cells are written. */
export interface CsvOptions {
  /** Put an apostrophe before cells that a spreadsheet would run as a formula. */
  guard: boolean;
}

/** One row as of RFC 4180, CRLF included. */
export function csvRow(values: readonly unknown[], options: CsvOptions): string {
  let row = '';
  for (let i = 0; i < values.length; i++) row += (i === 0 ? '' : ',') + csvCell(values[i], options);
  return `${row}\r\n`;
}

/** A log line is written by whoever sends requests: `=cmd|…` in a user agent must not run in somebody's spreadsheet. */
const formula = /^[=+\-@\t\r]/;
const special = /[",\r\n]/;

export function csvCell(value: unknown, { guard }: CsvOptions): string {
  if (value === undefined || value === null) return '';
  // Numbers are what they are, the negative ones too: no text of somebody else's begins with their sign.
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  const plain = typeof value === 'string' ? value : exactJson(value);
  const text = guard && formula.test(plain) ? `'${plain}` : plain;
  return special.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
