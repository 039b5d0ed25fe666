import { crc32 } from 'node:zlib';
import { MillraceError } from '../errors.ts';
import { generationBytes } from '../ids/generation.ts';
import { isStreamName } from '../ids/stream-name.ts';
import { ruleTextBytesMax } from '../rule/text.ts';
import { type Block, type BlockHeader, blockBytesMax, headerBytesMax, payloadBytesMax } from './block.ts';
import { controlMax, readControl } from './control.ts';
import { decodeRun, type RawRun, readRun, tableRoom } from './decode-run.ts';
import { blockMagic, bodyCompressed, headerField, rulesMax, runsMax, sourcesMax } from './fields.ts';
import { ByteReader } from './varint.ts';
import { blockFrameMagic, decompressFrame } from './zstd-frame.ts';

/** True when the bytes begin as a block does; a record that does not is foreign. */
export function looksLikeBlock(bytes: Uint8Array): boolean {
  if (bytes.length < 16) return false;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.readUInt32LE(0) === blockFrameMagic && view.compare(blockMagic, 0, 3, 8, 11) === 0;
}

/**
 * Decodes and checks one block; nothing in the bytes is trusted. Memory is bounded by the limits in block.ts.
 * @throws MillraceError WIRE_CORRUPT, WIRE_UNSUPPORTED or WIRE_LIMIT
 */
export function decodeBlock(bytes: Uint8Array): Block {
  return decodePayload(bytes, decodeHeader(bytes));
}

/** What `decodeHeader` says of the start of a block. */
export interface DecodedHeader {
  header: BlockHeader;
  payloadSize: number;
  /** Where the payload's frame begins. */
  frameEnd: number;
}

/**
 * The block of a header that was decoded. `decompress` as decompressFrame.
 * @throws MillraceError WIRE_CORRUPT
 */
export function decodePayload(
  bytes: Uint8Array,
  { header, payloadSize, frameEnd }: DecodedHeader,
  decompress: (frame: Uint8Array, size: number) => Buffer = decompressFrame,
): Block {
  const rest = bytes.subarray(frameEnd);
  if (payloadSize === 0) {
    if (rest.length > 0)
      throw new MillraceError('WIRE_CORRUPT', `${rest.length} bytes after an empty payload`);
    return { header, payload: rest };
  }
  const payload = decompress(rest, payloadSize);
  checkFillers(header, payload);
  return { header, payload };
}

/** The header alone, without decoding the payload. */
export function decodeHeader(bytes: Uint8Array): DecodedHeader {
  if (bytes.length > blockBytesMax) throw new MillraceError('WIRE_LIMIT', `block of ${bytes.length} bytes`);
  if (!looksLikeBlock(bytes)) throw new MillraceError('WIRE_CORRUPT', 'not a block: its magic is missing');
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view[11] !== blockMagic[3]) {
    throw new MillraceError('WIRE_UNSUPPORTED', `block of version ${view[11]}`, {
      hint: 'upgrade this reader',
    });
  }
  const frameEnd = 8 + view.readUInt32LE(4);
  if (frameEnd > bytes.length || frameEnd < 18)
    throw new MillraceError('WIRE_CORRUPT', 'header frame is cut short');
  const body = view.subarray(16, frameEnd);
  if (crc32(body) !== view.readUInt32LE(12))
    throw new MillraceError('WIRE_CORRUPT', 'header checksum is wrong');
  const { header, payloadSize } = readFields(unpackBody(body));
  return { header, payloadSize, frameEnd };
}

function unpackBody(body: Uint8Array): ByteReader {
  const reader = new ByteReader(body);
  const flags = reader.raw(1)[0] ?? 0;
  if ((flags & ~bodyCompressed) !== 0) throw new MillraceError('WIRE_UNSUPPORTED', `header flags ${flags}`);
  const size = reader.varint();
  if (size > headerBytesMax) throw new MillraceError('WIRE_LIMIT', `block header of ${size} bytes`);
  const rest = body.subarray(1 + varintSize(size));
  if (flags & bodyCompressed) return new ByteReader(decompressFrame(rest, size));
  if (rest.length !== size) throw new MillraceError('WIRE_CORRUPT', 'header length is wrong');
  return new ByteReader(rest);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function readFields(reader: ByteReader): { header: BlockHeader; payloadSize: number } {
  const header: BlockHeader = {
    host: '',
    agent: new Uint8Array(16),
    stream: '',
    rules: [],
    sources: [],
    runs: [],
  };
  const filters: string[] = [];
  const runs: RawRun[] = [];
  const room = tableRoom();
  const control: ByteReader[] = [];
  let payloadSize = -1;
  let baseMs = 0;
  reader.fields((type, value, bytes) => {
    if (type === headerField.stream) header.stream = text(bytes, 100, 'stream');
    else if (type === headerField.payloadSize) payloadSize = value.varint();
    else if (type === headerField.host) header.host = text(bytes, 1024, 'host');
    else if (type === headerField.agent) header.agent = bytes;
    else if (type === headerField.baseTime) baseMs = value.varint();
    else if (type === headerField.rule)
      push(header.rules, text(bytes, ruleTextBytesMax, 'rule'), rulesMax, 'rules');
    else if (type === headerField.filter) push(filters, text(bytes, 1024, 'filter'), rulesMax, 'filters');
    else if (type === headerField.source) push(header.sources, readSource(value), sourcesMax, 'sources');
    else if (type === headerField.run) push(runs, readRun(value, room), runsMax, 'runs');
    else if (type === headerField.control) push(control, value, controlMax, 'control entries');
    else return false;
    return true;
  });
  if (!isStreamName(header.stream))
    throw new MillraceError('WIRE_CORRUPT', 'stream name is missing or invalid');
  if (header.agent.length !== 16) throw new MillraceError('WIRE_CORRUPT', 'agent identity is not 16 bytes');
  if (payloadSize < 0) throw new MillraceError('WIRE_CORRUPT', 'payload size is missing');
  if (payloadSize > payloadBytesMax) throw new MillraceError('WIRE_LIMIT', `payload of ${payloadSize} bytes`);
  for (const source of header.sources) {
    if (source.rule >= header.rules.length) throw new MillraceError('WIRE_CORRUPT', `no rule ${source.rule}`);
  }
  // Fields may come in any order, so runs are resolved when all of them are known.
  header.runs = runs.map((run) => decodeRun(run, baseMs, filters, header.sources.length));
  const said = control.flatMap((value) => readControl(value, baseMs) ?? []);
  if (said.length > 0) header.control = said;
  const total = header.runs.reduce((sum, run) => sum + run.size + (run.filler ? 1 : 0), 0);
  if (total !== payloadSize)
    throw new MillraceError('WIRE_CORRUPT', `runs hold ${total} bytes of ${payloadSize}`);
  return { header, payloadSize };
}

function readSource(value: ByteReader): BlockHeader['sources'][number] {
  const generation = value.raw(generationBytes);
  const rule = value.varint();
  const path = value.text();
  const tag = value.text();
  if (path.length > 4096 || tag.length > 8192)
    throw new MillraceError('WIRE_LIMIT', 'path or tag is too long');
  value.fields(() => false);
  return { generation, path, tag, rule };
}

function checkFillers(header: BlockHeader, payload: Uint8Array): void {
  let at = 0;
  for (const run of header.runs) {
    at += run.size;
    if (run.filler && payload[at++] !== 0x0a)
      throw new MillraceError('WIRE_CORRUPT', 'filler is not a newline');
  }
}

function text(bytes: Uint8Array, max: number, what: string): string {
  if (bytes.length > max)
    throw new MillraceError('WIRE_LIMIT', `${what} of ${bytes.length} bytes, at most ${max}`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function push<T>(list: T[], item: T, max: number, what: string): void {
  if (list.length >= max) throw new MillraceError('WIRE_LIMIT', `more than ${max} ${what}`);
  list.push(item);
}
