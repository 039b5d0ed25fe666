import type { RecordBatch } from './record-batch.ts';

/** Bytes of one record's names and braces, with a random key and what aligns it; generous. */
const besideRecord = 64;

/** Bytes that a request's body takes at most. `head`: what stands before the records. */
export function batchBodyBytesMax(head: string, batch: RecordBatch): number {
  const keys = batch.keys.reduce((sum, key) => sum + (key === undefined ? 0 : key.length * 6), 0);
  return head.length * 3 + keys + Math.ceil(batch.at / 3) * 4 + batch.count * (besideRecord + 4) + 16;
}

const keyName = Buffer.from('{"PartitionKey":"');
const dataName = Buffer.from('","Data":"');
const dataNameAlone = Buffer.from('{"Data":"');

/**
 * The body of a request with a batch's records, straight into one buffer: `head`, the records, `]}`. Each has a
 * partition key, which `drawKey` (32 random bits) makes where it has none of its own; without `drawKey` the service has no
 * such keys.
 */
export function writeBatchBody(
  into: Buffer,
  head: string,
  batch: RecordBatch,
  drawKey?: () => number,
): Buffer {
  const { data, ends, keys } = batch;
  const pairs = new Uint16Array(into.buffer, into.byteOffset, into.length >> 1);
  let at = into.write(head);
  let start = 0;
  for (let i = 0; i < ends.length; i++) {
    if (i > 0) into[at++] = 0x2c;
    if (drawKey === undefined) at = writeBytes(into, at, dataNameAlone);
    else {
      at = writeBytes(into, at, keyName);
      const key = keys[i];
      if (key === undefined) at = writeHex(into, at, drawKey());
      else at += into.write(JSON.stringify(key).slice(1, -1), at);
      at = writeBytes(into, at, dataName);
    }
    if (at % 2 === 1) {
      // Two characters are written at a time: the text begins at an even place, a blank before its quote.
      into[at - 1] = 0x20;
      into[at++] = 0x22;
    }
    const end = ends[i] as number;
    at = writeBase64(into, pairs, at, data, start, end);
    into[at++] = 0x22;
    into[at++] = 0x7d;
    start = end;
  }
  into[at++] = 0x5d;
  into[at++] = 0x7d;
  return into.subarray(0, at);
}

function writeBytes(into: Buffer, at: number, bytes: Buffer): number {
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i] as number;
  return at + bytes.length;
}

const hex = Buffer.from('0123456789abcdef');

function writeHex(into: Buffer, at: number, value: number): number {
  for (let shift = 28, to = at; shift >= 0; shift -= 4) into[to++] = hex[(value >>> shift) & 15] as number;
  return at + 8;
}

/** Twelve bits as two characters, in the order that they have in memory. */
const twoCharacters = pairTable();

/** A call into Node costs more than a line's few hundred bytes; what is longer is written by it. */
const longBytes = 4096;
/** Multiple of 3. Text of this size lies in V8's young generation, where it costs next to nothing to collect. */
const stretch = 24 * 1024;

/** `at` is even, and `into` begins at an even place. */
function writeBase64(
  into: Buffer,
  pairs: Uint16Array,
  at: number,
  data: Buffer,
  from: number,
  end: number,
): number {
  let next = from;
  let to = at;
  if (end - from > longBytes) {
    for (; next < end; next += stretch)
      to += into.write(data.toString('base64', next, Math.min(next + stretch, end)), to, 'latin1');
    return to;
  }
  let pair = at >> 1;
  const whole = from + Math.floor((end - from) / 3) * 3;
  for (; next < whole; next += 3) {
    const bits =
      ((data[next] as number) << 16) | ((data[next + 1] as number) << 8) | (data[next + 2] as number);
    pairs[pair++] = twoCharacters[bits >> 12] as number;
    pairs[pair++] = twoCharacters[bits & 0xfff] as number;
  }
  to = pair << 1;
  return next < end ? to + into.write(data.toString('base64', next, end), to, 'latin1') : to;
}

function pairTable(): Uint16Array {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const bytes = new Uint8Array(8192);
  for (let bits = 0; bits < 4096; bits++) {
    bytes[bits * 2] = letters.charCodeAt(bits >> 6);
    bytes[bits * 2 + 1] = letters.charCodeAt(bits & 63);
  }
  return new Uint16Array(bytes.buffer);
}
