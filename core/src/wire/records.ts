import type { Block, BlockRecord, Run } from './block.ts';

/**
 * The records of a block in payload order. Framing is the agent's (D2): a table of lengths, or "\n", and the end of
 * a run always ends a record; nothing is re-framed here.
 */
export function* blockRecords(block: Block): Generator<BlockRecord> {
  let base = 0;
  for (const run of block.header.runs) {
    const source = block.header.sources[run.source];
    if (source === undefined) throw new TypeError('run without a source');
    const toSource = sourceOffsets(run);
    const end = base + run.size;
    let start = base;
    let next = 0;
    while (start < end) {
      let stop: number;
      if (run.lengths) {
        stop = start + (run.lengths[next++] ?? 0);
      } else {
        const newline = block.payload.indexOf(0x0a, start);
        stop = newline < 0 || newline >= end ? end : newline + 1;
      }
      yield { run, source, start, end: stop, offset: toSource(start - base) };
      start = stop;
    }
    base = end + (run.filler ? 1 : 0);
  }
}

/**
 * The records of one run in which the places lie that `find` names in rising order, each record once: it is given the
 * run's bytes in the payload, and `found`, which answers where the record of a place ends.
 */
export function recordsAt(
  block: Block,
  run: Run,
  base: number,
  find: (from: number, to: number, found: (at: number) => number) => void,
): BlockRecord[] {
  const source = block.header.sources[run.source];
  if (source === undefined) throw new TypeError('run without a source');
  const toSource = sourceOffsets(run);
  const end = base + run.size;
  const records: BlockRecord[] = [];
  let start = base;
  let next = 0;
  find(base, end, (at) => {
    let stop = start;
    if (run.lengths === undefined) {
      if (at > start) start = Math.max(start, block.payload.lastIndexOf(0x0a, at - 1) + 1);
      const newline = block.payload.indexOf(0x0a, at);
      stop = newline < 0 || newline >= end ? end : newline + 1;
    } else {
      while (stop <= at && stop < end) {
        start = stop;
        stop += run.lengths[next++] ?? end - stop;
      }
    }
    records.push({ run, source, start, end: stop, offset: toSource(start - base) });
    start = stop;
    return stop;
  });
  return records;
}

/** Maps a run's shipped positions to source offsets; called with rising positions. */
function sourceOffsets(run: Run): (shipped: number) => number {
  const exceptions = run.exceptions;
  if (exceptions === undefined) return (shipped) => run.from + shipped;
  let index = 0;
  let shift = run.from; // source offset - shipped position, up to the next exception
  return (shipped) => {
    for (let item = exceptions[index]; item !== undefined; item = exceptions[++index]) {
      const begins = item.from - shift;
      if (shipped < begins) break;
      // A rewritten record keeps the offset where its original began.
      if (shipped < begins + item.shipped) return item.from;
      shift += item.length - item.shipped;
    }
    return shipped + shift;
  };
}
