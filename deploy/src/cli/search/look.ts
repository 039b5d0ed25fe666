import { stripVTControlCharacters } from 'node:util';
import type { CliContext, Option, Parsed } from '../command.ts';

/** The part of a hit that a terminal shows; `--json` prints all of it. */
export interface Hit {
  id: string;
  '@timestamp': string;
  message: string;
  host?: string;
  tag?: string;
  level?: string;
  highlight?: [number, number][];
  [field: string]: unknown;
}

/** A pipe's answer. */
export interface Table {
  columns: { name: string; type: string }[];
  rows: unknown[][];
}

export const lookOptions: Record<string, Option> = {
  json: { type: 'boolean', help: 'Print each event, or row, as a line of JSON.' },
  fields: {
    type: 'string',
    value: 'A,B',
    help: 'Print these fields after the time, instead of host, tag and message.',
  },
  color: {
    type: 'string',
    value: 'WHEN',
    default: 'auto',
    help: 'auto (on a terminal, unless NO_COLOR is set), always or never.',
  },
};

export interface Look {
  json: boolean;
  fields: string[] | undefined;
  color: boolean;
}

export function lookOf({ env, stdoutTty = false }: CliContext, { strings, flags }: Parsed): Look {
  const auto = stdoutTty && (env.NO_COLOR ?? '') === '';
  const fields = strings.fields?.split(',').map((name) => name.trim());
  return {
    json: flags.json === true,
    fields: fields?.filter((name) => name !== ''),
    color: strings.color === 'always' || (strings.color !== 'never' && auto),
  };
}

const style = (codes: string, text: string) => `\u001b[${codes}m${text}\u001b[0m`;

const levelStyles: [names: RegExp, codes: string][] = [
  [/^(error|critical|alert|emergency|fatal)$/, '31'],
  [/^warn/, '33'],
  [/^(debug|trace)$/, '2'],
];

/** A hit as one line; lines within its message stay lines. */
export function lineOf(hit: Hit, { json, fields, color }: Look): string {
  if (json) return `${JSON.stringify(hit)}\n`;
  const time = String(hit['@timestamp']);
  if (fields !== undefined) {
    const values = fields.map((name) => plain(textOf(fieldOf(hit, name))));
    return `${color ? style('2', time) : time} ${values.join(' ')}\n`;
  }
  const from = `${plain(hit.host ?? '-')} ${plain(hit.tag ?? '-')}`;
  if (!color) return `${time} ${from} ${plain(hit.message)}\n`;
  const codes = levelStyles.find(([names]) => names.test(hit.level ?? ''))?.[1];
  return `${style('2', time)} ${style('36', from)} ${marked(hit, codes)}\n`;
}

/** A field by the name of hits, or of the user's own fields. */
function fieldOf(hit: Hit, name: string): unknown {
  if (Object.hasOwn(hit, name)) return hit[name];
  let value: unknown = hit.fields;
  for (const part of name.replace(/^fields\./, '').split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The message in the colour of its level, matches in bold. */
function marked({ message, highlight = [] }: Hit, codes: string | undefined): string {
  const coloured = (text: string) =>
    text === '' ? '' : codes === undefined ? plain(text) : style(codes, plain(text));
  let line = '';
  let at = 0;
  for (const [start, end] of highlight) {
    line += coloured(message.slice(at, start));
    line += style('1;7', plain(message.slice(start, end)));
    at = end;
  }
  return line + coloured(message.slice(at));
}

/** A log line is data: control characters in it must not steer the terminal that shows it. */
export function plain(text: string): string {
  const hex = (char: string) => char.charCodeAt(0).toString(16).padStart(2, '0');
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) => `\\x${hex(char)}`);
}

/** Columns as wide as they need to be, numbers to the right. */
export function tableText({ columns, rows }: Table, { json, color }: Look): string {
  const names = columns.map(({ name }) => name);
  if (json) {
    const object = (row: unknown[]) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null]));
    return rows.map((row) => `${JSON.stringify(object(row))}\n`).join('');
  }
  const cells = rows.map((row) => names.map((_, i) => plain(textOf(row[i])).replaceAll(/[\n\t]/g, ' ')));
  const right = columns.map((_, i) => rows.every((row) => typeof row[i] === 'number'));
  const widths = names.map((name, i) =>
    Math.max(widthOf(name), ...cells.map((row) => widthOf(row[i] ?? ''))),
  );
  const line = (row: string[]) =>
    row
      .map((cell, i) => padded(cell, widths[i] ?? 0, right[i] === true))
      .join('  ')
      .trimEnd();
  const head = line(names.map(plain));
  return [color ? style('1', head) : head, ...cells.map(line)].map((text) => `${text}\n`).join('');
}

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}

/** Columns that a terminal needs: ideographs and the like take two. */
function widthOf(text: string): number {
  let width = 0;
  for (const char of stripVTControlCharacters(text)) width += wide.test(char) ? 2 : 1;
  return width;
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;
