import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import type { EncodeEvent } from './packing.ts';
import type { StreamRecord } from './stream-client.ts';

/** A block whose events are on their way. */
export interface OpenBlock {
  seq: number;
  /** Records with events of it that are not taken. */
  left: number;
  /** Not all of its events are in records yet. */
  open: boolean;
}

/** Longest that a random key gets: eight hexadecimal digits. */
export const randomKeyBytes = 8;

const initialBytes = 256 * 1024;

/** The records of one request, one behind another in one buffer. Used again and again. */
export class RecordBatch {
  data: Buffer = Buffer.allocUnsafeSlow(initialBytes);
  /** Where each record ends in `data`. */
  readonly ends: number[] = [];
  /** Partition keys; undefined: a random one. */
  readonly keys: (string | undefined)[] = [];
  /** The blocks that have events in each record. */
  readonly blocks: (readonly OpenBlock[])[] = [];
  /** Bytes of the records and their keys. */
  bytes = 0;
  /** Of the record that is being written, or to be. */
  at = 0;

  get count(): number {
    return this.ends.length;
  }

  clear(): void {
    this.ends.length = 0;
    this.keys.length = 0;
    this.blocks.length = 0;
    this.bytes = 0;
    this.at = 0;
  }

  /** Makes room for so many bytes behind `at`. */
  reserve(bytes: number): void {
    const { data, at } = this;
    if (at + bytes <= data.length) return;
    this.data = Buffer.allocUnsafeSlow(Math.max(at + bytes, data.length * 2));
    data.copy(this.data, 0, 0, at);
  }

  /** Writes at `at`, which it moves. */
  write(value: string | Uint8Array): void {
    if (typeof value === 'string') {
      this.reserve(value.length * 3);
      this.at += this.data.write(value, this.at);
    } else {
      this.reserve(value.length);
      this.data.set(value, this.at);
      this.at += value.length;
    }
  }

  /** Writes an event at `at`, without a text on the way where it can. */
  writeEvent(event: PlainEvent, encode: EncodeEvent): void {
    if (encode.jsonEnd === undefined || !this.#writeJson(event)) this.write(encode(event));
    else if (encode.jsonEnd !== '') this.write(encode.jsonEnd);
  }

  #writeJson(event: PlainEvent): boolean {
    const { jsonBytesMax } = event;
    if (jsonBytesMax === undefined || event.writeJson === undefined) return false;
    this.reserve(jsonBytesMax);
    const end = event.writeJson(this.data, this.at);
    if (end >= 0) this.at = end;
    return end >= 0;
  }

  /** Bytes of record and key that `close` would add. */
  openBytes(key: string | undefined): number {
    return this.at - this.startOf(this.count) + keyBytes(key);
  }

  /** Ends the record at `at`. */
  close(key: string | undefined, blocks: readonly OpenBlock[]): void {
    this.bytes += this.openBytes(key);
    this.ends.push(this.at);
    this.keys.push(key);
    this.blocks.push(blocks);
  }

  /** Forgets what is behind the last record. */
  reopen(): void {
    this.at = this.startOf(this.count);
  }

  startOf(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] as number);
  }

  /** Bytes of a record and its key. */
  bytesOf(index: number): number {
    return (this.ends[index] as number) - this.startOf(index) + keyBytes(this.keys[index]);
  }

  /** Takes a record of another batch. */
  take(from: RecordBatch, index: number): void {
    this.write(from.data.subarray(from.startOf(index), from.ends[index]));
    this.close(from.keys[index], from.blocks[index] as readonly OpenBlock[]);
  }

  /** One by one, for clients that write no request of their own. */
  records(keyOf: () => string): StreamRecord[] {
    return this.ends.map((end, i) => ({
      data: Buffer.from(this.data.subarray(this.startOf(i), end)),
      partitionKey: this.keys[i] ?? keyOf(),
    }));
  }
}

function keyBytes(key: string | undefined): number {
  return key === undefined ? randomKeyBytes : Buffer.byteLength(key);
}
