import { addBlockTokens } from '@millrace/core/archive/block-tokens.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { TokenFilterBuilder } from '@millrace/core/archive/token-filter.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Exception, Run } from '@millrace/core/wire/block.ts';
import { decodeBlock, decodeHeader } from '@millrace/core/wire/decode.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { FakeObjectStore } from './fake-object-store.ts';

/** One run of one file, as a test writes it down. */
export interface TestRun {
  /** Number of the generation. */
  life?: number;
  path?: string;
  tag?: string;
  /** Source offset of the first byte. */
  from: number;
  /** What is shipped. */
  text: string | Buffer;
  /** Source bytes; absent: as many as are shipped. */
  length?: number;
  exceptions?: Exception[];
  capturedMs?: number;
}

/** The bytes of a block of these runs. */
export function testBlock(
  runs: TestRun[],
  { host = 'web-1', stream = 'logs', rule = '{"parse":{"type":"none"},"v":1}' } = {},
): Buffer {
  const payload: Buffer[] = [];
  const sources = runs.map(({ life = 1, path = '/var/log/a.log', tag = 'app' }) => ({
    generation: testGeneration(life),
    path,
    tag,
    rule: 0,
  }));
  const table = runs.map((run, source): Run => {
    const bytes = typeof run.text === 'string' ? Buffer.from(run.text) : run.text;
    const filler = bytes.length > 0 && bytes.at(-1) !== 0x0a;
    payload.push(bytes, Buffer.from(filler ? '\n' : ''));
    return {
      source,
      from: run.from,
      to: run.from + (run.length ?? bytes.length),
      capturedMs: run.capturedMs ?? 1_770_000_000_000,
      size: bytes.length,
      filler,
      continues: false,
      continued: filler,
      ...(run.exceptions === undefined ? {} : { exceptions: run.exceptions }),
    };
  });
  const header = { host, agent: Buffer.alloc(16, 7), stream, rules: [rule], sources, runs: table };
  return encodeBlock(header, Buffer.concat(payload));
}

/** A UUIDv7 that holds `life`. */
export function testGeneration(life: number): Buffer {
  const bytes = Buffer.from('0199f0a1b2c370008000000000000000', 'hex');
  bytes.writeUInt32BE(life, 12);
  return bytes;
}

let sequence = 1000;

/** Puts an archive object of these blocks into the store; returns its key. */
export function putObject(
  store: FakeObjectStore,
  blocks: Buffer[],
  options: {
    prefix?: string;
    arrivedMs?: number;
    shard?: string;
    events?: [string, number][];
    /** Its footer tells what the consumer's does: times and days of the events, and a filter of tokens. */
    told?: boolean;
  } = {},
): string {
  const { prefix = '', arrivedMs = 1_770_000_000_000, shard = 'shard-1', events, told = false } = options;
  const [first = Buffer.alloc(0)] = blocks;
  const { stream } = decodeHeader(first).header;
  const firstSequence = String(sequence++);
  const builder = new FooterBuilder(stream);
  for (const bytes of blocks) {
    const entry = { length: bytes.length, id: blockId(bytes), arrivalMs: arrivedMs, sequence: firstSequence };
    if (!builder.has(entry.id)) builder.add(entry, decodeHeader(bytes).header);
  }
  for (const [date, count] of events ?? []) builder.addDay(date, count);
  const key = archiveKey({
    prefix,
    stream,
    hourMs: Math.floor(arrivedMs / hourMs) * hourMs,
    shard,
    firstSequence,
    suffix: '00000000',
  });
  const unique = new Map(blocks.map((bytes) => [blockId(bytes), bytes]));
  const tokens = told ? tell(builder, [...unique.values()]) : undefined;
  const footer = encodeFooter({ ...builder.build(), ...(tokens && { tokens }) });
  const bytes = Buffer.concat([...unique.values(), footer]);
  store.objects.set(key, { bytes, modifiedMs: arrivedMs });
  return key;
}

/** Adds what documents tell; answers a filter of the records' tokens. */
function tell(builder: FooterBuilder, blocks: Buffer[]): Uint8Array | undefined {
  const filter = new TokenFilterBuilder();
  const renderer = createRenderer();
  for (const bytes of blocks) {
    const block = decodeBlock(bytes);
    addBlockTokens(filter, block);
    const seconds: number[] = [];
    const unrendered = renderer.renderBlock(block, blockRecords(block), ({ source }) => {
      const time = String(JSON.parse(source)['@timestamp']);
      seconds.push(Math.floor(Date.parse(time) / 1000));
      builder.addDay(time.slice(0, 10).replaceAll('-', '.'), 1);
    });
    if (unrendered.length > 0) builder.daysUnknown();
    else if (seconds.length > 0)
      builder.setTimes(blockId(bytes), { first: Math.min(...seconds), last: Math.max(...seconds) });
  }
  return filter.build(1 << 20);
}
