import { type JsonLines, secondText } from '../forward/json-lines.ts';
import type { Entry } from './export-format.ts';

/** Name of the member that holds the event's time. */
export const timeKey = '@time';

/** By PRIORITY. */
const levels = ['emergency', 'alert', 'critical', 'error', 'warn', 'notice', 'info', 'debug'];

/** What becomes of the names of fields, as fluent-plugin-systemd has it. */
export interface EntrySettings {
  /** New names by the journal's own. */
  fieldMap: ReadonlyMap<string, string[]>;
  /** Fields that are not mapped are left out. */
  strict: boolean;
  stripUnderscores: boolean;
  lowercase: boolean;
}

/** Writes an entry as a line of JSON. Fields of the journal about the entry (`__…`) are no part of it. */
export function writeEntry({ fields }: Entry, settings: EntrySettings, lines: JsonLines): void {
  const values = new Map<string, Buffer[]>();
  let time: string | undefined;
  let sourceTime: string | undefined;
  let level: string | undefined;
  for (const [name, value] of fields) {
    if (name === '__REALTIME_TIMESTAMP') time = timeOf(value);
    if (name === '_SOURCE_REALTIME_TIMESTAMP') sourceTime ??= timeOf(value);
    if (name === 'PRIORITY')
      level ??= /^[0-7]$/.test(value.toString()) ? levels[Number(value.toString())] : undefined;
    if (name.startsWith('__')) continue;
    const list = values.get(name);
    if (list) list.push(value);
    else values.set(name, [value]);
  }
  const when = sourceTime ?? time;
  let comma = '{';
  const member = (name: string) => {
    lines.ascii(comma);
    lines.text(Buffer.from(name));
    lines.ascii(':');
    comma = ',';
  };
  if (when !== undefined) {
    member(timeKey);
    lines.ascii(`"${when}"`);
  }
  if (level !== undefined) {
    member('log.level');
    lines.ascii(`"${level}"`);
  }
  for (const [name, parts] of named(values, settings)) {
    member(name);
    writeValues(parts, lines);
  }
  lines.ascii(`${comma === '{' ? '{' : ''}}\n`);
}

/** The values by their new names; what comes to a name that is taken is joined to it. */
function named(values: ReadonlyMap<string, Buffer[]>, settings: EntrySettings): Map<string, Buffer[]> {
  const { fieldMap, strict, stripUnderscores, lowercase } = settings;
  const renamed = new Map<string, Buffer[]>();
  const put = (name: string, parts: Buffer[]) => {
    const there = renamed.get(name);
    renamed.set(name, there ? [joined([...there, ...parts])] : parts);
  };
  for (const [name, parts] of values) {
    const mapped = fieldMap.get(name);
    for (const to of mapped ?? []) put(to, parts);
    if (mapped || strict) continue;
    const stripped = stripUnderscores ? name.replace(/^_+/, '') : name;
    const plain = lowercase ? stripped.toLowerCase() : stripped;
    put(name === 'MESSAGE' ? 'message' : plain, parts);
  }
  return renamed;
}

function joined(parts: Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from(' '), part])));
}

function writeValues(parts: Buffer[], lines: JsonLines): void {
  const [first] = parts;
  if (parts.length === 1 && first) {
    lines.text(first);
    return;
  }
  for (const [i, part] of parts.entries()) {
    lines.ascii(i === 0 ? '[' : ',');
    lines.text(part);
  }
  lines.ascii(']');
}

/** Of microseconds. */
function timeOf(value: Buffer): string | undefined {
  const text = value.toString();
  if (!/^[1-9]\d{6,16}$/.test(text)) return undefined;
  return `${secondText(Number(text.slice(0, -6)))}.${text.slice(-6)}Z`;
}
