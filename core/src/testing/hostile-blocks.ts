import { crc32 } from 'node:zlib';
import { decodeFooter } from '../archive/decode-footer.ts';
import { encodeFooter } from '../archive/encode-footer.ts';
import { FooterBuilder } from '../archive/footer-builder.ts';
import { createRenderer } from '../document/render.ts';
import { decodeBlock } from '../wire/decode.ts';
import { headerField, runField } from '../wire/fields.ts';
import { blockRecords } from '../wire/records.ts';
import { ByteWriter } from '../wire/varint.ts';
import { blockFrameMagic, compressFrame, skippableFrame } from '../wire/zstd-frame.ts';

/** Blocks that no agent writes, for tests of what readers do with them. */

/** A block of these header fields; checksum and frames are right, whatever the fields say. */
export function blockOfFields(fields: Uint8Array, payloadFrame: Uint8Array = Buffer.alloc(0)): Buffer {
  return blockOfBody(
    new ByteWriter().raw(Uint8Array.of(1)).varint(fields.length).raw(compressFrame(fields)).bytes(),
    payloadFrame,
  );
}

/** As blockOfFields, for a body (flags, size, fields) that is given. */
export function blockOfBody(body: Uint8Array, payloadFrame: Uint8Array = Buffer.alloc(0)): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(body));
  const magic = Buffer.from('MRB\x01', 'latin1');
  return Buffer.concat([skippableFrame(blockFrameMagic, Buffer.concat([magic, sum, body])), payloadFrame]);
}

export interface HostileFields {
  stream?: string;
  payloadSize?: number;
  baseMs?: number;
  rules?: string[];
  filters?: string[];
  sources?: { rule?: number; path?: string; tag?: string }[];
  runs?: HostileRun[];
  control?: Uint8Array[];
}

interface HostileRun {
  source?: number;
  from?: number;
  length?: number;
  delta?: number;
  flags?: number;
  lengths?: Uint8Array;
  exceptions?: Uint8Array;
  size?: number;
}

const varint = (value: number) => Buffer.from(new ByteWriter().varint(value).bytes());
export const ruleNone = '{"parse":{"type":"none"},"v":1}';

/** Header fields as given; where nothing is, those of an ordinary block of one line. */
export function hostileFields(given: HostileFields): Buffer {
  const { rules = [ruleNone], filters = [], sources = [{}], runs = [], control = [] } = given;
  const out = new ByteWriter()
    .field(headerField.stream, given.stream ?? 'logs')
    .field(headerField.payloadSize, varint(given.payloadSize ?? 0))
    .field(headerField.host, 'h')
    .field(headerField.agent, Buffer.alloc(16, 7))
    .field(headerField.baseTime, varint(given.baseMs ?? 1_762_000_000_000));
  for (const rule of rules) out.field(headerField.rule, rule);
  for (const filter of filters) out.field(headerField.filter, filter);
  for (const [i, { rule = 0, path = '/p', tag = 't' }] of sources.entries()) {
    const generation = Buffer.alloc(16);
    generation.writeUInt32LE(i);
    out.field(
      headerField.source,
      new ByteWriter().raw(generation).varint(rule).sized(path).sized(tag).bytes(),
    );
  }
  for (const run of runs) out.field(headerField.run, runBytes(run));
  for (const entry of control) out.field(headerField.control, entry);
  return Buffer.from(out.bytes());
}

function runBytes(run: HostileRun): Uint8Array {
  const { source = 0, from = 0, length = 0, delta = 0, flags = 0 } = run;
  const out = new ByteWriter().varint(source).varint(from).varint(length).zigzag(delta).varint(flags);
  if (run.lengths) out.field(runField.lengths, run.lengths);
  if (run.exceptions) out.field(runField.exceptions, run.exceptions);
  if (run.size !== undefined) out.field(runField.size, varint(run.size));
  return out.bytes();
}

/** What a reader made of a block: refused by a code, or documents, sources left out by a code, and a footer. */
export interface Outcome {
  refused?: string;
  documents?: number;
  unrendered?: string[];
  indices?: string[];
}

/**
 * Does to a block what every reader does: decode, render, describe in a footer, read the footer.
 * @throws anything that is no error of ours
 */
export function outcomeOf(bytes: Uint8Array): Outcome {
  let block: ReturnType<typeof decodeBlock>;
  try {
    block = decodeBlock(bytes);
  } catch (error) {
    const { code } = error as { code?: string };
    if (!/^WIRE_(?:CORRUPT|UNSUPPORTED|LIMIT)$/.test(code ?? '')) throw error;
    return { refused: code ?? '' };
  }
  let documents = 0;
  const indices = new Set<string>();
  const left = createRenderer().renderBlock(block, blockRecords(block), ({ index, source }) => {
    documents++;
    indices.add(index);
    if (source.length > documentUnitsMax) throw new RangeError(`a document of ${source.length} characters`);
  });
  const footer = new FooterBuilder(block.header.stream);
  footer.add({ length: bytes.length, id: '0'.repeat(32), sequence: '1', arrivalMs: 1 }, block.header);
  decodeFooter(encodeFooter(footer.build()), bytes.length);
  return { documents, unrendered: left.map(({ error }) => error.code), indices: [...indices] };
}

/** A megabyte as text, as fields and as terms, with escapes. */
const documentUnitsMax = 32 * 1024 * 1024;
