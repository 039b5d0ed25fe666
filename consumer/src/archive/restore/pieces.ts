import type { Run } from '@millrace/core/wire/block.ts';

/** A stretch of a source's bytes and what became of it. Offsets and sizes are bytes. */
export interface Piece {
  /** Source offsets, `to` excluded. */
  from: number;
  to: number;
  /** `kept`: the source's own bytes; `rewritten`: others stand for them; `removed`: none do. */
  kind: 'kept' | 'rewritten' | 'removed';
  /** Where its bytes lie in the spool, and how many they are; none when it was removed. */
  at: number;
  size: number;
  /** The filter that rewrote or removed it. */
  by: string;
}

/** The pieces of a run whose shipped bytes lie in the spool from `at` on. */
export function piecesOf(run: Run, at: number): Piece[] {
  const pieces: Piece[] = [];
  let source = run.from;
  let place = at;
  const keep = (to: number): void => {
    if (to <= source) return;
    pieces.push({ from: source, to, kind: 'kept', at: place, size: to - source, by: '' });
    place += to - source;
    source = to;
  };
  for (const { from, length, shipped, by } of run.exceptions ?? []) {
    keep(from);
    const kind = shipped === 0 ? 'removed' : 'rewritten';
    pieces.push({ from, to: from + length, kind, at: place, size: shipped, by });
    place += shipped;
    source = from + length;
  }
  keep(run.to);
  return pieces;
}

/**
 * One piece for each byte of the source that the archive accounts for, ascending. Bytes may have come several times,
 * cut in other ways, and once kept, once removed (sampled again after a crash): what is kept goes first.
 */
export function resolved(pieces: Piece[]): Piece[] {
  let done: Piece[] = [];
  for (const kind of ['kept', 'rewritten', 'removed'] as const) {
    const same = pieces.filter((piece) => piece.kind === kind);
    done = joined(
      filledUp(
        done,
        same.sort((a, b) => a.from - b.from || b.to - a.to),
      ),
    );
  }
  return done;
}

/** `more` (ascending by start) wherever `done` (ascending, disjoint) has nothing. */
function filledUp(done: Piece[], more: Piece[]): Piece[] {
  const result: Piece[] = [];
  let next = 0;
  let free = 0;
  const passTo = (offset: number): void => {
    for (let piece = done[next]; piece !== undefined && piece.from <= offset; piece = done[++next]) {
      result.push(piece);
      free = Math.max(free, piece.to);
    }
  };
  for (const candidate of more) {
    let rest: Piece | undefined = candidate;
    while (rest !== undefined) {
      passTo(rest.from);
      rest = after(rest, free);
      if (rest === undefined) break;
      const until: number = done[next]?.from ?? Number.POSITIVE_INFINITY;
      if (rest.from >= until) continue;
      const head = before(rest, until);
      if (head !== undefined) result.push(head);
      free = Math.max(free, Math.min(rest.to, until));
      rest = rest.to > until ? after(rest, until) : undefined;
    }
  }
  passTo(Number.POSITIVE_INFINITY);
  return result;
}

/** The part of a piece from `offset` on. A record that was rewritten has no parts. */
function after(piece: Piece, offset: number): Piece | undefined {
  if (offset <= piece.from) return piece;
  if (offset >= piece.to || piece.kind === 'rewritten') return undefined;
  const cut = offset - piece.from;
  const size = piece.kind === 'kept' ? piece.size - cut : 0;
  return { ...piece, from: offset, at: piece.at + (piece.kind === 'kept' ? cut : 0), size };
}

function before(piece: Piece, offset: number): Piece | undefined {
  if (offset >= piece.to) return piece;
  if (piece.kind === 'rewritten') return undefined;
  return { ...piece, to: offset, size: piece.kind === 'kept' ? offset - piece.from : 0 };
}

/** Neighbours that lie next to each other in the spool too, or were removed by the same filter, become one. */
function joined(pieces: Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    const together =
      last !== undefined &&
      last.kind === piece.kind &&
      last.to === piece.from &&
      last.by === piece.by &&
      last.kind !== 'rewritten' &&
      (last.kind === 'removed' || last.at + last.size === piece.at);
    if (last !== undefined && together) {
      last.to = piece.to;
      last.size += piece.size;
    } else {
      result.push({ ...piece });
    }
  }
  return result;
}
