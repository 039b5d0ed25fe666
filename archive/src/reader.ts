import { decodeFooter, footerFrameLength } from '@millrace/core/archive/decode-footer.ts';
import { type Footer, type FooterBlock, footerTrailerBytes } from '@millrace/core/archive/footer.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { ObjectStore } from './object-store.ts';

/** Enough for most footers: one request instead of two. */
const tailBytes = 64 * 1024;

/**
 * Reads an object's footer in one or two requests.
 * @throws MillraceError ARCHIVE_CORRUPT, WIRE_UNSUPPORTED or ARCHIVE_UNAVAILABLE
 */
export async function readFooter(
  store: ObjectStore,
  key: string,
  bytes: number,
  signal?: AbortSignal,
): Promise<Footer> {
  const frame = await readFooterFrame(store, key, bytes, signal);
  return decodeFooter(frame, bytes - frame.length);
}

/**
 * The bytes of an object's footer frame, not yet decoded.
 * @throws MillraceError ARCHIVE_CORRUPT or ARCHIVE_UNAVAILABLE
 */
export async function readFooterFrame(
  store: ObjectStore,
  key: string,
  bytes: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const from = Math.max(0, bytes - tailBytes);
  const tail = await readRange(store, key, from, bytes, signal);
  if (tail.length < footerTrailerBytes) throw new MillraceError('ARCHIVE_CORRUPT', `${key}: ${bytes} bytes`);
  const length = footerFrameLength(tail);
  if (length > bytes) throw new MillraceError('ARCHIVE_CORRUPT', `${key}: footer longer than the object`);
  if (length <= tail.length) return tail.subarray(tail.length - length);
  return Buffer.concat([await readRange(store, key, bytes - length, from, signal), tail]);
}

/**
 * The bytes of the blocks, in order, read in stretches of about `readBytes`.
 * @throws MillraceError ARCHIVE_CORRUPT or ARCHIVE_UNAVAILABLE
 */
export async function* readBlocks(
  store: ObjectStore,
  key: string,
  blocks: FooterBlock[],
  readBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<{ block: FooterBlock; bytes: Buffer }> {
  for (let first = 0; first < blocks.length; ) {
    const from = blocks[first]?.offset ?? 0;
    let next = first;
    let to = from;
    do {
      const block = blocks[next++];
      to = block === undefined ? to : block.offset + block.length;
    } while (next < blocks.length && to - from < readBytes);
    const stretch = await readRange(store, key, from, to, signal);
    for (const block of blocks.slice(first, next)) {
      const start = block.offset - from;
      yield { block, bytes: stretch.subarray(start, start + block.length) };
    }
    first = next;
  }
}

async function readRange(
  store: ObjectStore,
  key: string,
  from: number,
  to: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  if (to <= from) return Buffer.alloc(0);
  const bytes = await store.read(key, from, to, signal);
  if (bytes === undefined) throw new MillraceError('ARCHIVE_CORRUPT', `${key}: no such object`);
  if (bytes.length !== to - from) {
    throw new MillraceError('ARCHIVE_UNAVAILABLE', `${key}: ${bytes.length} bytes of ${to - from}`);
  }
  return bytes;
}
