import { linearExpression } from '@millrace/core/parse/linear-regexp.ts';
import { tokenize, tokenLengthMax } from '@millrace/core/query/tokenize.ts';
import type { Block, BlockRecord } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';

export interface GrepOptions {
  pattern: string;
  regex: boolean;
  ignoreCase: boolean;
  /** Records without a match. */
  invert: boolean;
}

/** Finds records of a block whose bytes, read as UTF-8 without their line end, match. */
export type Grep = (block: Block, runs: Set<number>) => Generator<BlockRecord>;

/** @throws MillraceError RULE_INVALID for an expression that cannot run in linear time */
export function createGrep({ pattern, regex, ignoreCase, invert }: GrepOptions): Grep {
  const literal = Buffer.from(pattern);
  const expression =
    regex || ignoreCase
      ? linearExpression(regex ? pattern : escaped(pattern), ignoreCase ? 'i' : '')
      : undefined;
  const matches = (payload: Buffer, { start, end }: BlockRecord): boolean => {
    const stop = endOfText(payload, start, end);
    if (expression !== undefined) return expression.test(payload.toString('utf8', start, stop));
    // Of this record alone: a look at all that follows, for each record, takes for ever.
    return payload.subarray(start, stop).includes(literal);
  };
  return function* (block, runs) {
    const payload = asBuffer(block.payload);
    // Most blocks hold no match: one look at all of their bytes says so.
    if (expression === undefined && !invert && payload.indexOf(literal) < 0) return;
    const chosen = new Set([...runs].map((i) => block.header.runs[i]));
    for (const record of blockRecords(block)) {
      if (chosen.has(record.run) && matches(payload, record) !== invert) yield record;
    }
  };
}

/**
 * Tokens that a record has if it matches: whole words of a text, not those at its ends, which may be parts of longer ones.
 * None for an expression, and where records without a match are looked for.
 */
export function requiredTokens({ pattern, regex, invert }: GrepOptions): string[] {
  if (regex || invert) return [];
  return tokenize(pattern)
    .filter(({ start, end }) => start > 0 && end < pattern.length && end - start < tokenLengthMax)
    .map(({ token }) => token);
}

/** The record's bytes without the line end. */
export function recordText(block: Block, { start, end }: BlockRecord): Buffer {
  const payload = asBuffer(block.payload);
  return payload.subarray(start, endOfText(payload, start, end));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function endOfText(payload: Buffer, start: number, end: number): number {
  let stop = end;
  if (stop > start && payload[stop - 1] === 0x0a) stop--;
  if (stop > start && payload[stop - 1] === 0x0d) stop--;
  return stop;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, (char) => (char === '-' ? '\\x2d' : `\\${char}`));
}
