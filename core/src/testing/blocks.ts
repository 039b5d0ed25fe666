import fc from 'fast-check';
import { type BlockHeader, payloadBytesMax, type Run } from '../wire/block.ts';

/** A source's bytes cut into one run, as an agent would: what the property tests of the wire format start from. */
export interface SampleRun {
  bytes: Buffer;
  from: number;
  capturedMs: number;
  multiline: boolean;
}

/** Bytes that hold what hurts: newlines, NUL, CR LF, invalid UTF-8, and no final newline. */
export const arbitraryBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom('\n', '\r\n', '\0', 'word ', '\ud55c\uae00', '\u2028').map((text) => Buffer.from(text)),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts));

export const arbitraryRun: fc.Arbitrary<SampleRun> = fc.record({
  bytes: arbitraryBytes.filter((bytes) => bytes.length > 0),
  from: fc.integer({ min: 0, max: 2 ** 40 }),
  capturedMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  multiline: fc.boolean(),
});

/** Builds header and payload for sample runs, one source each. */
export function blockOf(
  runs: SampleRun[],
  rule = '{"parse":{"type":"none"},"v":1}',
): {
  header: BlockHeader;
  payload: Buffer;
} {
  const parts: Buffer[] = [];
  const header: BlockHeader = {
    host: 'h',
    agent: Buffer.alloc(16, 7),
    stream: 'logs',
    rules: [rule],
    sources: [],
    runs: [],
  };
  for (const [i, sample] of runs.entries()) {
    header.sources.push({
      generation: Buffer.alloc(16, i),
      path: `/var/log/${i}.log`,
      tag: `t.${i}`,
      rule: 0,
    });
    const filler = sample.bytes.at(-1) !== 0x0a;
    const run: Run = {
      source: i,
      from: sample.from,
      to: sample.from + sample.bytes.length,
      capturedMs: sample.capturedMs,
      size: sample.bytes.length,
      filler,
      continues: false,
      continued: filler,
    };
    if (sample.multiline) run.lengths = halves(sample.bytes.length);
    header.runs.push(run);
    parts.push(sample.bytes, Buffer.from(filler ? '\n' : ''));
  }
  const payload = Buffer.concat(parts);
  if (payload.length > payloadBytesMax) throw new RangeError('sample too large');
  return { header, payload };
}

function halves(size: number): number[] {
  const first = Math.floor(size / 2);
  return first === 0 ? [size] : [first, size - first];
}
