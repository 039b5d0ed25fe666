import type { JSX } from 'preact';

/** A piece of a text with its matches marked. */
export function marked(
  text: string,
  ranges: readonly (readonly [number, number])[] | undefined,
  start: number,
  end: number,
): (string | JSX.Element)[] {
  const pieces: (string | JSX.Element)[] = [];
  let at = start;
  for (const [from, to] of ranges ?? []) {
    if (to <= at) continue;
    if (from >= end) break;
    if (from > at) pieces.push(text.slice(at, from));
    pieces.push(<mark>{text.slice(Math.max(at, from), Math.min(to, end))}</mark>);
    at = Math.min(to, end);
  }
  if (at < end) pieces.push(text.slice(at, end));
  return pieces;
}

/** Characters of a message in its row. */
const rowShown = 500;
/** Where a match that lies far behind is moved to. */
const lead = 60;

/** The part of a message that its row shows, with the first match in sight. */
export function excerptOf(
  message: string,
  highlight: readonly (readonly [number, number])[] | undefined,
): (string | JSX.Element)[] {
  const match = highlight?.[0]?.[0] ?? 0;
  const start = match > 2 * lead ? match - lead : 0;
  const end = Math.min(message.length, start + rowShown);
  const pieces = marked(message, highlight, start, end);
  return start > 0 ? ['… ', ...pieces] : pieces;
}
