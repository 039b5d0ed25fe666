import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import {
  type Block,
  type BlockHeader,
  type BlockRecord,
  payloadBytesMax,
  type Run,
  type Source,
} from '@millrace/core/wire/block.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { runsMax } from '@millrace/core/wire/fields.ts';

const filler = Buffer.from('\n');

/**
 * Blocks that hold some records of a block, under the ids that they have: same generation, offset and bytes. Records
 * that stand side by side are one run. `records` are of `block` and in its order; their sources name its rules.
 */
export function reblock(block: Block, records: readonly BlockRecord[]): Buffer[] {
  if (records.length === 0) return [];
  try {
    return [encoded(block, stretches(block, records))];
  } catch (error) {
    // Many short runs may need a longer header than the block had, and more fillers.
    if (!isMillraceError(error, 'WIRE_LIMIT') || records.length < 2) throw error;
    const half = records.length >> 1;
    return [...reblock(block, records.slice(0, half)), ...reblock(block, records.slice(half))];
  }
}

interface Stretch {
  run: Run;
  source: Source;
  /** Position of the run's first byte in the payload. */
  base: number;
  records: BlockRecord[];
}

/** Records in a row of one run; those that were rewritten stand alone, with what they replace. */
function stretches(block: Block, records: readonly BlockRecord[]): Stretch[] {
  const bases = runBases(block.header.runs);
  const result: Stretch[] = [];
  for (const record of records) {
    const last = result.at(-1);
    const before = last?.records.at(-1);
    const plain = record.run.exceptions === undefined;
    const { run, source } = record;
    const joins = last?.run === run && last.source === source && before?.end === record.start;
    if (plain && joins) last.records.push(record);
    else result.push({ run, source, base: bases.get(run) ?? 0, records: [record] });
  }
  return result;
}

function runBases(runs: readonly Run[]): Map<Run, number> {
  const bases = new Map<Run, number>();
  let at = 0;
  for (const run of runs) {
    bases.set(run, at);
    at += run.size + (run.filler ? 1 : 0);
  }
  return bases;
}

function encoded({ header, payload }: Block, parts: Stretch[]): Buffer {
  const sources: Source[] = [];
  const rules: string[] = [];
  const indexOf = (list: string[], item: string): number => {
    const at = list.indexOf(item);
    return at < 0 ? list.push(item) - 1 : at;
  };
  const places = new Map<Source, number>();
  const runs: Run[] = [];
  const bytes: Uint8Array[] = [];
  for (const part of parts) {
    let source = places.get(part.source);
    if (source === undefined) {
      const rule = indexOf(rules, header.rules[part.source.rule] ?? '');
      source = sources.push({ ...part.source, rule }) - 1;
      places.set(part.source, source);
    }
    const { run, content } = runOf(part, source, payload);
    runs.push(run);
    bytes.push(content);
    if (run.filler) bytes.push(filler);
  }
  const { host, agent, stream } = header;
  const made: BlockHeader = { host, agent, stream, rules, sources, runs };
  const content = Buffer.concat(bytes);
  // Readers refuse what is beyond these.
  if (runs.length > runsMax || content.length > payloadBytesMax)
    throw new MillraceError('WIRE_LIMIT', `${runs.length} runs of ${content.length} bytes`);
  return encodeBlock(made, content);
}

function runOf({ run, base, records }: Stretch, source: number, payload: Uint8Array) {
  const first = records[0] as BlockRecord;
  const last = records.at(-1) as BlockRecord;
  const content = payload.subarray(first.start, last.end);
  // The record was rewritten when a stretch that is not dropped begins where it does.
  const exception = run.exceptions?.find(({ from, shipped }) => from === first.offset && shipped > 0);
  const length = exception === undefined ? content.length : exception.length;
  const made: Run = {
    source,
    from: first.offset,
    to: first.offset + length,
    capturedMs: run.capturedMs,
    size: content.length,
    filler: content.at(-1) !== 0x0a,
    continues: run.continues && first.start === base,
    continued: run.continued && last.end === base + run.size,
    ...(run.lengths === undefined ? {} : { lengths: records.map(({ start, end }) => end - start) }),
    ...(exception === undefined ? {} : { exceptions: [{ ...exception, shipped: content.length }] }),
  };
  return { run: made, content };
}
