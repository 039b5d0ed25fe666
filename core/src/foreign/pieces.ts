import { compileDecoder, withoutTerminator } from '../parse/encoding.ts';
import { payloadBytesMax } from '../wire/block.ts';
import { tooManyEvents } from './cloudwatch.ts';
import type { ForeignEvents } from './content.ts';
import { cloudwatchRule, ForeignRules, jsonObject } from './rules.ts';

/** One event of a foreign record, or a piece of one that is longer than a block. Offsets are in its content. */
export interface Piece {
  from: number;
  to: number;
  /** Rule text. */
  rule: string;
  /** Holds more than one line, so that a table of lengths has to say where it ends. */
  framed: boolean;
  continues: boolean;
  continued: boolean;
}

/**
 * The events of a foreign record: a CloudWatch Logs envelope's events, one JSON object over several lines, else lines.
 * @throws MillraceError WIRE_LIMIT for more than `eventsMax` events
 */
export function eventPieces(content: ForeignEvents, capturedMs: number, eventsMax: number): Piece[] {
  const { bytes } = content;
  const pieces: Piece[] = [];
  if (content.kind === 'cloudwatch') {
    const rule = cloudwatchRule(content.envelope);
    let from = 0;
    for (const length of content.lengths) {
      addPieces(pieces, bytes, from, from + length, rule);
      from += length;
    }
    return pieces;
  }
  const rules = new ForeignRules(content.encoding, capturedMs);
  const decode = compileDecoder(content.encoding);
  if (isOneObject(bytes, (end) => decode(bytes, 0, end))) {
    addPieces(pieces, bytes, 0, bytes.length, rules.ofLine(decode(bytes, 0, bytes.length)));
    return pieces;
  }
  let events = 0;
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, from);
    const to = newline < 0 ? bytes.length : newline + 1;
    if (++events > eventsMax) throw tooManyEvents(eventsMax);
    // What is cut no parser makes sense of.
    const whole = to - from <= payloadBytesMax;
    addPieces(
      pieces,
      bytes,
      from,
      to,
      whole ? rules.ofLine(withoutTerminator(decode(bytes, from, to))) : rules.text,
    );
    from = to;
  }
  return pieces;
}

/** A JSON object that is written over several lines. */
function isOneObject(bytes: Buffer, textUpTo: (end: number) => string): boolean {
  const firstEnd = bytes.indexOf(0x0a) + 1;
  if (firstEnd === 0 || firstEnd === bytes.length || bytes.length > payloadBytesMax) return false;
  return jsonObject(textUpTo(firstEnd)) === undefined && jsonObject(textUpTo(bytes.length)) !== undefined;
}

function addPieces(pieces: Piece[], bytes: Buffer, from: number, to: number, rule: string): void {
  for (let start = from; start < to; ) {
    const end = pieceEnd(bytes, start, to);
    const newline = bytes.indexOf(0x0a, start);
    const framed = newline >= 0 && newline < end - 1;
    pieces.push({ from: start, to: end, rule, framed, continues: start > from, continued: end < to });
    start = end;
  }
}

/** At the limit, moved back to where a character begins. */
function pieceEnd(bytes: Buffer, start: number, to: number): number {
  if (to - start <= payloadBytesMax) return to;
  let end = start + payloadBytesMax;
  for (let back = 0; back < 3 && ((bytes[end] ?? 0) & 0xc0) === 0x80; back++) end--;
  return end;
}
