import { isUtf8 } from 'node:buffer';
import { JsonLines } from '../forward/json-lines.ts';
import { endOf, wholeHead } from '../forward/msgpack.ts';
import { JsonProblem, JsonScan } from './json-scan.ts';
import { Refusal } from './refusal.ts';

/** The events of a request: objects of JSON, each as its sender wrote it. */
export interface Events {
  lines: Buffer;
  count: number;
}

export interface EventLimits {
  /** Bytes of one event. */
  eventBytesMax: number;
}

/**
 * The objects of a sequence of values, with or without line ends between them: each an object, or an array of objects.
 * `members` are added to each, as `,"name":value`; they win over members of the same name.
 * @throws Refusal 400 with the index of what is no event
 */
export function jsonEvents(bytes: Buffer, members: string, limits: EventLimits): Events {
  if (!isUtf8(bytes)) throw new Refusal(400, 'the body is not UTF-8');
  const scan = new JsonScan(bytes);
  const events = new Lines(bytes, members, limits);
  try {
    for (let byte = scan.next(); byte !== undefined; byte = scan.next()) {
      if (byte === 0x5b) readArray(scan, events);
      else events.read(scan);
    }
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    throw new Refusal(400, `event ${events.count}: ${error.message}, at byte ${error.at}`, {
      index: events.count,
    });
  }
  return events.take();
}

function readArray(scan: JsonScan, events: Lines): void {
  scan.expect(0x5b);
  if (scan.next() === 0x5d) {
    scan.at++;
    return;
  }
  for (;;) {
    events.read(scan);
    const byte = scan.next();
    if (byte !== 0x2c && byte !== 0x5d) throw new JsonProblem('"," or "]" is expected', scan.at);
    scan.at++;
    if (byte === 0x5d) return;
  }
}

/** Values of MessagePack, one after another: maps, or arrays of maps. @throws Refusal 400 */
export function msgpackEvents(bytes: Buffer, members: string, limits: EventLimits): Events {
  const lines = new JsonLines();
  const parts: Buffer[] = [];
  let count = 0;
  const add = (at: number): number => {
    if (wholeHead(bytes, at).kind !== 'map') throw new Error('not a map');
    const end = lines.value(bytes, at);
    const text = lines.take();
    const one = new Lines(text, members, limits);
    one.read(new JsonScan(text));
    parts.push(one.take().lines);
    count++;
    return end;
  };
  try {
    for (let at = 0; at < bytes.length; ) {
      const head = wholeHead(bytes, at);
      if (head.kind !== 'array') {
        at = add(at);
        continue;
      }
      endOf(bytes, at);
      at += head.size;
      for (let left = head.items ?? 0; left > 0; left--) at = add(at);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal(400, `event ${count}: ${why}`, { index: count });
  }
  return { lines: Buffer.concat(parts), count };
}

/** Each line a record, for parsers other than JSON. @throws Refusal 400 */
export function textEvents(bytes: Buffer, { eventBytesMax }: EventLimits): Events {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    const end = bytes.indexOf(0x0a, at);
    const next = end < 0 ? bytes.length : end + 1;
    if (next - at > eventBytesMax) throw tooLong(count, eventBytesMax);
    at = next;
  }
  const ended = bytes.length === 0 || bytes.at(-1) === 0x0a;
  return { lines: ended ? bytes : Buffer.concat([bytes, Buffer.from('\n')]), count };
}

class Lines {
  readonly #bytes: Buffer;
  readonly #members: Buffer;
  readonly #limits: EventLimits;
  readonly #parts: Buffer[] = [];
  count = 0;

  constructor(bytes: Buffer, members: string, limits: EventLimits) {
    this.#bytes = bytes;
    this.#members = Buffer.from(members);
    this.#limits = limits;
  }

  read(scan: JsonScan): void {
    if (scan.next() !== 0x7b) throw new JsonProblem('not an object', scan.at);
    const start = scan.at;
    scan.value();
    const size = scan.at - start + this.#members.length;
    if (size > this.#limits.eventBytesMax) throw tooLong(this.count, this.#limits.eventBytesMax);
    const object = oneLine(this.#bytes.subarray(start, scan.at));
    if (this.#members.length === 0) this.#parts.push(object);
    else {
      const body = object.subarray(0, -1);
      const empty = /^\{\s*$/.test(body.toString('latin1', 0, 64)) && body.toString('latin1').trim() === '{';
      this.#parts.push(body, empty ? this.#members.subarray(1) : this.#members, closing);
    }
    this.#parts.push(newline);
    this.count++;
  }

  take(): Events {
    return { lines: Buffer.concat(this.#parts), count: this.count };
  }
}

const newline = Buffer.from('\n');
const closing = Buffer.from('}');

/** Line ends of JSON are white space: text holds none. */
function oneLine(object: Buffer): Buffer {
  if (!object.includes(0x0a) && !object.includes(0x0d)) return object;
  return Buffer.from(object.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)));
}

function tooLong(index: number, eventBytesMax: number): Refusal {
  return new Refusal(400, `event ${index}: longer than ${eventBytesMax} bytes (event_size_limit)`, { index });
}
