import type { Block, BlockHeader, Run } from '../wire/block.ts';
import { filterNotes, type TokenFilterBuilder } from './token-filter.ts';

const newline = 0x0a;

/** Adds a block's tokens to a filter, and what a reader has to know of its records to rely on that. */
export function addBlockTokens(builder: TokenFilterBuilder, { header, payload }: Block): void {
  // Records end tokens, also those that do not end a line.
  let from = 0;
  const endAt = (end: number) => {
    if (end <= from || payload[end - 1] === newline) return;
    builder.add(payload.subarray(from, end));
    from = end;
  };
  let at = 0;
  for (const run of header.runs) {
    let end = at;
    for (const length of run.lengths ?? [run.size]) {
      end += length;
      endAt(end);
    }
    note(builder, kindOf(header, run), run, payload.subarray(at, at + run.size));
    at += run.size + (run.filler ? 1 : 0);
  }
  if (from < payload.length) builder.add(payload.subarray(from));
}

type Kind = 'container' | 'syslog' | 'other';

/** Of rules by their text: blocks have the same few. */
const kinds = new Map<string, Kind>();
const kindsMax = 1_024;

function kindOf({ rules, sources }: BlockHeader, run: Run): Kind {
  const text = rules[sources[run.source]?.rule ?? -1] ?? '';
  let kind = kinds.get(text);
  if (kind === undefined) {
    // A word in an expression may look like a type: then a note says less than it could.
    if (/"type":"(?:cri|docker)"/.test(text)) kind = 'container';
    else kind = text.includes('"type":"syslog"') ? 'syslog' : 'other';
    if (kinds.size >= kindsMax) kinds.clear();
    kinds.set(text, kind);
  }
  return kind;
}

function note(builder: TokenFilterBuilder, kind: Kind, run: Run, bytes: Uint8Array): void {
  if (kind === 'container' && severalLines(run, bytes)) builder.note(filterNotes.joined);
  if (kind === 'other') return;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  // Also in a container: its text may be syslog's.
  if (longWord.test(text)) builder.note(filterNotes.long);
}

/** As long as what syslog's parser looks at for a host: it would cut the word. */
const longWord = /[^ \n]{256}/;

function severalLines({ lengths }: Run, bytes: Uint8Array): boolean {
  let at = 0;
  return (lengths ?? []).some((length) => {
    const start = at;
    at += length;
    const found = bytes.indexOf(newline, start);
    return found >= 0 && found < at - 1;
  });
}
