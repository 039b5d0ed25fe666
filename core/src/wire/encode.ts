import { crc32 } from 'node:zlib';
import { MillraceError } from '../errors.ts';
import { type BlockHeader, blockBytesMax, headerBytesMax, type Run } from './block.ts';
import { controlValue } from './control.ts';
import { blockMagic, bodyCompressed, headerField, runField, runFlag } from './fields.ts';
import { ByteWriter } from './varint.ts';
import { blockFrameMagic, compressFrame, skippableFrame } from './zstd-frame.ts';

/** A block's bytes: header frame, then the payload as one zstd frame. Equal input gives equal bytes. */
export function encodeBlock(header: BlockHeader, payload: Uint8Array): Buffer {
  return assembleBlock(
    header,
    payload.length,
    payload.length === 0 ? Buffer.alloc(0) : compressFrame(payload),
  );
}

/**
 * As encodeBlock, for a payload that was compressed elsewhere. The block lies in `into`, when that is given and takes it.
 * @throws MillraceError WIRE_LIMIT when the block would not fit a Kinesis record
 */
export function assembleBlock(
  header: BlockHeader,
  payloadSize: number,
  payloadFrame: Uint8Array,
  into?: Buffer,
): Buffer {
  const head = headerFrame(header, payloadSize);
  const size = head.length + payloadFrame.length;
  if (size > blockBytesMax)
    throw new MillraceError('WIRE_LIMIT', `block of ${size} bytes, at most ${blockBytesMax}`);
  const block = into && into.length >= size ? into.subarray(0, size) : Buffer.allocUnsafe(size);
  block.set(head);
  block.set(payloadFrame, head.length);
  return block;
}

function headerFrame(header: BlockHeader, payloadSize: number): Buffer {
  const fields = headerFields(header, payloadSize);
  if (fields.length > headerBytesMax) {
    throw new MillraceError(
      'WIRE_LIMIT',
      `block header of ${fields.length} bytes, at most ${headerBytesMax}`,
    );
  }
  const packed = fields.length > 256 ? compressFrame(fields) : undefined;
  const compressed = packed !== undefined && packed.length < fields.length;
  const body = new ByteWriter()
    .raw(Uint8Array.of(compressed ? bodyCompressed : 0))
    .varint(fields.length)
    .raw(compressed ? packed : fields)
    .bytes();
  const sum = Buffer.allocUnsafe(4);
  sum.writeUInt32LE(crc32(body));
  return skippableFrame(blockFrameMagic, Buffer.concat([blockMagic, sum, body]));
}

function headerFields(header: BlockHeader, payloadSize: number): Buffer {
  const out = new ByteWriter();
  const baseMs = header.runs[0]?.capturedMs ?? header.control?.[0]?.atMs ?? 0;
  const filters = [...new Set(header.runs.flatMap((run) => run.exceptions?.map((item) => item.by) ?? []))];
  out.field(headerField.stream, header.stream);
  out.field(headerField.payloadSize, new ByteWriter().varint(payloadSize).bytes());
  out.field(headerField.host, header.host);
  out.field(headerField.agent, header.agent);
  out.field(headerField.baseTime, new ByteWriter().varint(baseMs).bytes());
  for (const rule of header.rules) out.field(headerField.rule, rule);
  for (const filter of filters) out.field(headerField.filter, filter);
  for (const source of header.sources) {
    const value = new ByteWriter()
      .raw(source.generation)
      .varint(source.rule)
      .sized(source.path)
      .sized(source.tag);
    out.field(headerField.source, value.bytes());
  }
  for (const run of header.runs) out.field(headerField.run, runValue(run, baseMs, filters));
  for (const entry of header.control ?? []) out.field(headerField.control, controlValue(entry, baseMs));
  return out.bytes();
}

function runValue(run: Run, baseMs: number, filters: string[]): Buffer {
  const flags =
    (run.filler ? runFlag.filler : 0) |
    (run.continues ? runFlag.continues : 0) |
    (run.continued ? runFlag.continued : 0);
  const out = new ByteWriter();
  out
    .varint(run.source)
    .varint(run.from)
    .varint(run.to - run.from);
  out.zigzag(run.capturedMs - baseMs).varint(flags);
  if (run.lengths) {
    const table = new ByteWriter();
    for (const length of run.lengths) table.varint(length);
    out.field(runField.lengths, table.bytes());
  }
  if (run.exceptions) {
    const table = new ByteWriter();
    let at = run.from;
    for (const item of run.exceptions) {
      table
        .varint(item.from - at)
        .varint(item.length)
        .varint(item.shipped)
        .varint(filters.indexOf(item.by));
      at = item.from + item.length;
    }
    out.field(runField.exceptions, table.bytes());
  }
  if (run.size !== run.to - run.from) out.field(runField.size, new ByteWriter().varint(run.size).bytes());
  return out.bytes();
}
