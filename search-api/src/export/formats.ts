import { exactJson } from '@millrace/core/document/json-text.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import type { Access } from '../access/access.ts';
import { seenSource } from '../access/redact.ts';
import { redactionOf } from '../access/redaction.ts';
import type { Shortfall } from '../find/finder.ts';
import { hitOf } from '../hit.ts';
import { columnOf } from './columns.ts';
import { type CsvOptions, csvCell, csvRow } from './csv.ts';
import { originalOf } from './original.ts';

/** What a file is made of. */
export interface Format {
  extension: string;
  contentType: string;
  head: string;
  rows(hits: SearchHit[]): string | Buffer;
  /** A last line about what is not in it, in a format that has room for that. */
  note?(note: { partial: Shortfall[] } | { error: object }): string;
  /** What `rows` could not do as asked. */
  shortfalls(): Shortfall[];
}

export function csvFormat(names: string[], options: CsvOptions, access: Access): Format {
  const columns = names.map(columnOf);
  const redaction = redactionOf(access);
  return {
    extension: 'csv',
    contentType: 'text/csv; charset=utf-8; header=present',
    head: `${names.map((name) => csvCell(name, name === '@timestamp' ? { guard: false } : options)).join(',')}\r\n`,
    rows(hits) {
      let text = '';
      for (const hit of hits) {
        const source = seenSource(hit.source, redaction);
        const values = columns.map((column) => column.read(hit.id, source));
        text += csvRow(values, options);
      }
      return text;
    },
    shortfalls: () => [],
  };
}

export function ndjsonFormat(names: string[] | undefined, access: Access): Format {
  const columns = names?.map(columnOf);
  const redaction = redactionOf(access);
  const row = (hit: SearchHit) => {
    if (columns === undefined) return hitOf(hit, access);
    const source = seenSource(hit.source, redaction);
    const picked: Record<string, unknown> = {};
    for (const { name, read } of columns) picked[name] = read(hit.id, source);
    return picked;
  };
  return {
    extension: 'ndjson',
    contentType: 'application/x-ndjson',
    head: '',
    rows: (hits) => hits.map((hit) => `${exactJson(row(hit))}\n`).join(''),
    note: (note) => `${JSON.stringify(note)}\n`,
    shortfalls: () => [],
  };
}

/**
 * The lines as they were written, byte for byte. With `loose`, what cannot be shown to be so is written as its message
 * and counted; without, it ends the export.
 */
export function rawFormat(loose: boolean): Format {
  let altered = 0;
  const seams = new Seams();
  return {
    extension: 'log',
    contentType: 'text/plain',
    head: '',
    rows(hits) {
      const lines: Uint8Array[] = [];
      for (const hit of hits) {
        const original = originalOf(hit);
        if (original === undefined && !loose) throw notOriginal(hit.id);
        if (original === undefined) altered++;
        const bytes = original ?? Buffer.from(`${String(hit.source.message ?? '')}\n`);
        if (seams.apart(hit, bytes)) lines.push(newline);
        lines.push(bytes);
      }
      return Buffer.concat(lines);
    },
    shortfalls: () =>
      altered === 0
        ? []
        : [
            {
              code: 'no_archive',
              message: `${altered} lines are the messages of events, not their original bytes`,
            },
          ],
  };
}

const newline = Buffer.from('\n');

/** What ends without a newline, a file or a piece of a long record, is followed by its continuation or by a newline. */
class Seams {
  #generation: unknown;
  /** Where the open end is in its generation; undefined: nothing is open. */
  #end: number | undefined;

  apart({ source }: SearchHit, bytes: Uint8Array): boolean {
    const { log, event } = source as { log?: { offset?: number }; event?: { generation?: string } };
    const offset = log?.offset ?? 0;
    const open = this.#end !== undefined;
    const continues = event?.generation === this.#generation && offset === this.#end;
    this.#generation = event?.generation;
    this.#end = bytes.at(-1) === 0x0a ? undefined : offset + bytes.length;
    return open && !continues;
  }
}

function notOriginal(id: string): MillraceError {
  return new MillraceError(
    'QUERY_INVALID',
    `the store does not have the original bytes of event ${id}: its message is a part of them`,
    {
      hint: 'the archive has them: leave source=hot out, or wait some minutes for it; allow_partial=true writes messages in such places',
    },
  );
}
