import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { constants, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { zstdFrameLength } from '@millrace/core/wire/zstd-frame.ts';
import type { Budget } from '../../input/budget.ts';
import { Refusal, tryLater } from './refusal.ts';

/** Memory that a zstd frame may ask for, as a power of two: 8 MiB, what the levels up to 19 need. */
const windowLogMax = 23;

/** What one request holds of the memory that all may hold. */
export class Hold {
  readonly #budget: Budget;
  #bytes = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** @throws Refusal 429 */
  take(bytes: number): void {
    if (!this.#budget.take(bytes))
      throw tryLater('requests hold all the memory they may (receive_memory_limit)', 1);
    this.#bytes += bytes;
  }

  release(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }
}

/**
 * The body of a request, decompressed.
 * @throws Refusal 413 when it is longer than `bytesMax`, before or after that; 415 for an encoding that is not known,
 *   400 for what does not decompress; whatever the socket met
 */
export async function readBody(request: IncomingMessage, bytesMax: number, hold: Hold): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (!known.has(encoding))
    throw new Refusal(415, `content-encoding "${encoding.slice(0, 40)}", known are gzip, deflate and zstd`, {
      headers: { 'accept-encoding': 'gzip, deflate, zstd' },
    });
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const body = await gather(request, bytesMax, hold);
  if (encoding === 'identity' || body.length === 0) return body;
  return decoded(body, encoding, bytesMax, hold);
}

const known = new Set(['identity', 'gzip', 'x-gzip', 'deflate', 'zstd']);

async function decoded(body: Buffer, encoding: string, bytesMax: number, hold: Hold): Promise<Buffer> {
  try {
    if (encoding === 'zstd') return await unzstd(body, bytesMax, hold);
    const decoder = encoding === 'deflate' ? inflater(body) : createGunzip();
    return await gather(fed(decoder, body), bytesMax, hold);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, `the body is not ${encoding}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Node decodes the first frame only. */
async function unzstd(body: Buffer, bytesMax: number, hold: Hold): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for (let at = 0; at < body.length; ) {
    const end = at + zstdFrameLength(body.subarray(at));
    const decoder = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: windowLogMax } });
    const part = await gather(fed(decoder, body.subarray(at, end)), bytesMax - size, hold, bytesMax);
    parts.push(part);
    size += part.length;
    at = end;
  }
  return Buffer.concat(parts);
}

/** Some clients mean zlib by `deflate`, as the standard does, and some the bare stream. */
function inflater(body: Buffer): ReturnType<typeof createInflate> {
  const zlib = ((body[0] ?? 0) & 0x0f) === 8 && body.length > 1 && body.readUInt16BE(0) % 31 === 0;
  return zlib ? createInflate() : createInflateRaw();
}

function fed<T extends NodeJS.ReadWriteStream & Readable>(decoder: T, bytes: Buffer): T {
  decoder.end(bytes);
  return decoder;
}

async function gather(stream: Readable, bytesMax: number, hold: Hold, named = bytesMax): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  // What is refused is read no further; a request's socket has to stay open for the answer.
  for await (const part of stream.iterator({ destroyOnReturn: !('httpVersion' in stream) })) {
    const bytes = part as Buffer;
    size += bytes.length;
    if (size > bytesMax) throw tooLarge(named);
    hold.take(bytes.length);
    parts.push(bytes);
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal(413, `the body is longer than ${bytesMax} bytes (body_size_limit)`);
}
