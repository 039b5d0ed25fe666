import { exactJson } from '@millrace/core/document/json-text.ts';
import { readExact } from '@millrace/core/parse/exact-integers.ts';

export type JsonKind = 'key' | 'text' | 'number' | 'word' | 'plain';

/** Pieces that are coloured; what comes behind them is text. */
const piecesMax = 20_000;
/** Levels that are laid out: each costs every line two spaces, and thousands cannot be written at all. */
const depthMax = 64;

/** JSON with line breaks, in pieces of one colour each. */
export function jsonPieces(value: unknown): { kind: JsonKind; text: string }[] {
  const text = exactJson(value, 2);
  const pieces: { kind: JsonKind; text: string }[] = [];
  let at = 0;
  for (const match of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g)) {
    if (pieces.length >= piecesMax) break;
    if (match.index > at) pieces.push({ kind: 'plain', text: text.slice(at, match.index) });
    const [whole, quoted, colon] = match;
    const kind = quoted === undefined ? (/^[tfn]/.test(whole) ? 'word' : 'number') : colon ? 'key' : 'text';
    pieces.push({ kind, text: quoted ?? whole });
    if (colon) pieces.push({ kind: 'plain', text: colon });
    at = match.index + whole.length;
  }
  if (at < text.length) pieces.push({ kind: 'plain', text: text.slice(at) });
  return pieces;
}

/** What a message says as JSON: an object or a list; undefined for all else, and for what is nested too deep. */
export function jsonOf(message: string): object | undefined {
  const start = message.search(/\S/);
  if (start < 0 || !'{['.includes(message[start] ?? '') || message.length > 2_000_000) return undefined;
  try {
    const value = readExact(message);
    return typeof value === 'object' && value !== null && !isDeeper(value, depthMax) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((member) => isDeeper(member, depth - 1));
}
