import type { Block, BlockRecord, Exception, Run } from '@millrace/core/wire/block.ts';
import type { Corrections } from './corrections/corrections.ts';

/**
 * The block without the records that corrections drop: for readers of bytes. What was dropped is an exception of its run
 * as if a filter of this name had dropped it.
 */
export function withoutDropped(block: Block, corrections: Corrections): Block {
  const dropped = new Map<Run, { record: BlockRecord; by: string }[]>();
  for (const { record, counts } of corrections.disputed(block)) {
    if (counts === undefined || !('drop' in counts.action)) continue;
    const list = dropped.get(record.run) ?? [];
    dropped.set(record.run, list);
    list.push({ record, by: `correction ${counts.number}` });
  }
  if (dropped.size === 0) return block;
  const parts: Uint8Array[] = [];
  let start = 0;
  const runs = block.header.runs.map((run) => {
    const end = start + run.size;
    const gone = dropped.get(run) ?? [];
    let at = start;
    for (const { record } of gone) {
      parts.push(block.payload.subarray(at, record.start));
      at = record.end;
    }
    const next = end + (run.filler ? 1 : 0);
    parts.push(block.payload.subarray(at, next));
    const changed = gone.length === 0 ? run : shrunk(run, start, gone);
    start = next;
    return changed;
  });
  return { header: { ...block.header, runs }, payload: Buffer.concat(parts) };
}

/** A run that begins at `start` of the payload, less some of its records. */
function shrunk(run: Run, start: number, gone: { record: BlockRecord; by: string }[]): Run {
  const exceptions = new Map<number, Exception[]>();
  for (const item of run.exceptions ?? []) {
    exceptions.set(item.from, [...(exceptions.get(item.from) ?? []), item]);
  }
  let size = run.size;
  for (const { record, by } of gone) {
    const { offset } = record;
    const shipped = record.end - record.start;
    const there = exceptions.get(offset) ?? [];
    // A record that was rewritten has an exception already: now nothing stands for it.
    const rewritten = there.find((item) => item.shipped > 0);
    const item = { from: offset, length: rewritten?.length ?? shipped, shipped: 0, by };
    exceptions.set(offset, [...there.filter((other) => other !== rewritten), item]);
    size -= shipped;
  }
  const all = [...exceptions.values()].flat().sort((a, b) => a.from - b.from);
  const { lengths, ...rest } = run;
  const ends = new Set(gone.map(({ record }) => record.end));
  return {
    ...rest,
    size,
    exceptions: all,
    ...(lengths === undefined ? {} : { lengths: remaining(lengths, start, ends) }),
  };
}

function remaining(lengths: number[], start: number, ends: Set<number>): number[] {
  let at = start;
  return lengths.filter((length) => {
    at += length;
    return !ends.has(at);
  });
}
