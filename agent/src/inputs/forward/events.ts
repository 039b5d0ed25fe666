import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { zstdFrameLength } from '@millrace/core/wire/zstd-frame.ts';
import { type JsonLines, secondText, timeText } from './json-lines.ts';
import { endOf, textAt, wholeHead } from './msgpack.ts';

/** A message of the protocol, of any of its modes. */
export interface Message {
  tag: string;
  /** message: time and record follow one another. forward: an array of entries. packed: entries one after another. */
  mode: 'message' | 'forward' | 'packed';
  /** MessagePack of the events: one entry's items, or the entries. */
  events: Buffer;
  compressed: 'gzip' | 'zstd' | undefined;
  /** As it came, to be sent back. */
  chunk: Buffer | undefined;
}

/** Longest tag and longest chunk id in bytes. */
const tagBytesMax = 1024;
const chunkIdBytesMax = 1024;
/** Frames of zstd in one message. */
const framesMax = 1_000;
const gunzipBytes = promisify(gunzip) as (
  bytes: Buffer,
  options: { maxOutputLength: number },
) => Promise<Buffer>;
const zstdBytes = promisify(zstdDecompress) as typeof gunzipBytes;

/** Undefined: the empty message that keeps connections alive. @throws MillraceError WIRE_CORRUPT for what is no message */
export function readMessage(bytes: Buffer): Message | undefined {
  const head = wholeHead(bytes, 0);
  if (head.kind === 'nil') return undefined;
  const { items = 0 } = head;
  if (head.kind !== 'array' || items < 2) throw corrupt('a message is an array of a tag and events');
  const tag = textAt(bytes, head.size);
  if (tag === undefined || tag.length === 0 || tag.length > tagBytesMax)
    throw corrupt(`a tag is a text of 1 to ${tagBytesMax} bytes`);
  const from = endOf(bytes, head.size);
  const first = wholeHead(bytes, from);
  const content = from + first.size;
  const base = { tag: tag.toString(), compressed: undefined };
  if (first.kind === 'array') {
    const end = endOf(bytes, from);
    const options = readOptions(bytes, end, items > 2);
    return {
      ...base,
      ...options,
      compressed: undefined,
      mode: 'forward',
      events: bytes.subarray(content, end),
    };
  }
  if (first.kind === 'text') {
    const end = content + (first.bytes ?? 0);
    const options = readOptions(bytes, end, items > 2);
    return { ...base, ...options, mode: 'packed', events: bytes.subarray(content, end) };
  }
  if (items < 3) throw corrupt('a message without a record');
  const end = endOf(bytes, endOf(bytes, from));
  const { chunk } = readOptions(bytes, end, items > 3);
  return { ...base, chunk, mode: 'message', events: bytes.subarray(from, end) };
}

function readOptions(bytes: Buffer, at: number, given: boolean): Pick<Message, 'chunk' | 'compressed'> {
  const options: Pick<Message, 'chunk' | 'compressed'> = { chunk: undefined, compressed: undefined };
  if (!given) return options;
  const head = wholeHead(bytes, at);
  if (head.kind !== 'map') return options;
  let name = at + head.size;
  for (let i = 0; i < (head.items ?? 0); i += 2) {
    const value = endOf(bytes, name);
    const end = endOf(bytes, value);
    const key = textAt(bytes, name)?.toString();
    if (key === 'chunk' && textAt(bytes, value)) {
      if (end - value > chunkIdBytesMax) throw corrupt(`a chunk id of more than ${chunkIdBytesMax} bytes`);
      options.chunk = bytes.subarray(value, end);
    }
    if (key === 'compressed') options.compressed = compressionOf(textAt(bytes, value)?.toString());
    name = end;
  }
  return options;
}

function compressionOf(name: string | undefined): Message['compressed'] {
  if (name === undefined || name === 'text') return undefined;
  if (name === 'gzip' || name === 'zstd') return name;
  throw corrupt(`entries compressed with "${name.slice(0, 40)}", known are gzip and zstd`);
}

/**
 * The entries of a compressed message: all members of gzip, all frames of zstd.
 * @throws MillraceError WIRE_LIMIT when they are more than `bytesMax`, WIRE_CORRUPT when they do not decompress
 */
export async function decompressed(message: Message, bytesMax: number): Promise<Buffer> {
  const { events, compressed } = message;
  if (compressed === undefined) return events;
  try {
    if (compressed === 'gzip') return await gunzipBytes(events, { maxOutputLength: bytesMax });
    const parts: Buffer[] = [];
    let size = 0;
    for (let at = 0; at < events.length; ) {
      if (parts.length >= framesMax) throw corrupt(`more than ${framesMax} zstd frames in a message`);
      const end = at + zstdFrameLength(events.subarray(at));
      const part = await zstdBytes(events.subarray(at, end), {
        maxOutputLength: Math.max(1, bytesMax - size),
      });
      parts.push(part);
      size += part.length;
      at = end;
    }
    return Buffer.concat(parts);
  } catch (cause) {
    if (cause instanceof RangeError || (cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new MillraceError('WIRE_LIMIT', `entries of more than ${bytesMax} bytes when decompressed`, {
        hint: "raise decompressed_size_limit, or lower the sender's chunk_limit_size",
        cause,
      });
    throw cause instanceof MillraceError ? cause : corrupt(`${compressed} entries do not decompress`, cause);
  }
}

/** What every record of a batch gets besides its own members. */
export interface Added {
  /** Name of the member that holds the time. */
  timeKey: string;
  /** For events without a time, milliseconds. */
  nowMs: number;
  /** Members behind the record's own, each `,"name":value`. */
  members: string;
}

/** A record has a member of the name that the time is to have. */
export const collision = Symbol('collision');

/**
 * Writes each event as a line of JSON, its time first. The number of entries that are no events, which are left out;
 * or `collision`, with what was written up to there.
 * @throws MillraceError WIRE_LIMIT when it is more than the writer takes
 */
export function writeEvents(
  { mode }: Pick<Message, 'mode'>,
  events: Buffer,
  added: Added,
  lines: JsonLines,
): number | typeof collision {
  const key = Buffer.from(added.timeKey);
  let invalid = 0;
  for (let at = 0; at < events.length; ) {
    const start = lines.size;
    let end = events.length;
    try {
      if (mode !== 'message') end = endOf(events, at);
      const entry = mode === 'message' ? 0 : entryOf(events, at);
      const written = entry === undefined ? false : writeEvent(events, entry, added, key, lines);
      if (written === collision) return collision;
      if (!written) {
        lines.cutTo(start);
        invalid++;
      }
    } catch (error) {
      // Too deep, or the rest is cut short.
      if (!isMillraceError(error, 'WIRE_CORRUPT')) throw error;
      lines.cutTo(start);
      invalid++;
    }
    at = end;
  }
  return invalid;
}

/** Where the time of the entry at `at` is; undefined when it is none. */
function entryOf(events: Buffer, at: number): number | undefined {
  const head = wholeHead(events, at);
  return head.kind === 'array' && (head.items ?? 0) >= 2 ? at + head.size : undefined;
}

function writeEvent(
  events: Buffer,
  at: number,
  { timeKey, nowMs, members }: Added,
  key: Buffer,
  lines: JsonLines,
): boolean | typeof collision {
  const time = timeOf(events, at, nowMs);
  const record = endOf(events, at);
  const head = wholeHead(events, record);
  if (time === undefined || head.kind !== 'map') return false;
  lines.ascii(`{${JSON.stringify(timeKey)}:"${time}"`);
  const metadata = metadataAt(events, at);
  if (metadata !== undefined) {
    lines.ascii(',"@metadata":');
    lines.value(events, metadata, 1);
  }
  let name = record + head.size;
  for (let i = 0; i < (head.items ?? 0); i += 2) {
    if (isText(events, name, key)) return collision;
    lines.ascii(',');
    const value = lines.name(events, name, 1);
    lines.ascii(':');
    name = lines.value(events, value, 1);
  }
  lines.utf8(`${members}}\n`);
  return true;
}

/** The text at `at` is `text`. */
function isText(bytes: Buffer, at: number, text: Buffer): boolean {
  const head = wholeHead(bytes, at);
  if (head.kind !== 'text' || head.bytes !== text.length) return false;
  return text.compare(bytes, at + head.size, at + head.size + text.length) === 0;
}

/** The map of an entry `[[time, {…}], record]`, as Fluent Bit writes it; undefined where it says nothing. */
function metadataAt(events: Buffer, at: number): number | undefined {
  const head = wholeHead(events, at);
  if (head.kind !== 'array' || (head.items ?? 0) < 2) return undefined;
  const metadata = endOf(events, at + head.size);
  return wholeHead(events, metadata).items ? metadata : undefined;
}

/** As text, with the digits that it came with; undefined: it is no time. */
function timeOf(events: Buffer, at: number, nowMs: number): string | undefined {
  const head = wholeHead(events, at);
  const content = at + head.size;
  // Time and metadata.
  if (head.kind === 'array') return (head.items ?? 0) > 0 ? instantOf(events, content, nowMs) : undefined;
  return instantOf(events, at, nowMs);
}

function instantOf(events: Buffer, at: number, nowMs: number): string | undefined {
  const head = wholeHead(events, at);
  const content = at + head.size;
  if (head.kind === 'ext') {
    if (head.type !== 0 || head.bytes !== 8) return undefined;
    const seconds = events.readUInt32BE(content);
    return seconds === 0 ? instant(nowMs) : timeText(seconds, events.readUInt32BE(content + 4));
  }
  if (head.kind === 'nil') return instant(nowMs);
  if (head.kind !== 'int' && head.kind !== 'float') return undefined;
  return numberTime(Number(head.value), nowMs) ?? String(head.value);
}

/** Undefined for a number that no calendar has. */
function numberTime(value: number, nowMs: number): string | undefined {
  if (Math.trunc(value) === 0) return instant(nowMs);
  const [, seconds, fraction = ''] = /^(\d{1,11})(?:\.(\d{1,9}))?$/.exec(String(value)) ?? [];
  if (seconds === undefined) return undefined;
  return `${secondText(Number(seconds))}${fraction && '.'}${fraction}Z`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

function corrupt(message: string, cause?: unknown): MillraceError {
  return new MillraceError('WIRE_CORRUPT', message, cause === undefined ? {} : { cause });
}
