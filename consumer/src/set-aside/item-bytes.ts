import { crc32 } from 'node:zlib';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readBlocks, readFooter } from '@millrace/archive/reader.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { eventId } from '@millrace/core/ids/event-id.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { decodeBatchBytes } from './batch-file.ts';
import { readBatchIndex } from './list.ts';

const readBytes = 4 * 1024 * 1024;

/**
 * The original bytes behind an id of `set-aside ls`: of a record, a block, or an event.
 * @throws MillraceError USAGE when there is no such thing, ARCHIVE_CORRUPT, ARCHIVE_UNAVAILABLE
 */
export async function itemBytes(
  objects: ObjectStore,
  id: string,
  block: string | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const at = id.lastIndexOf(':');
  const [object, part] = at < 0 ? [id, ''] : [id.slice(0, at), id.slice(at + 1)];
  const bytes = await objects.size(object, signal);
  if (bytes === undefined || part === '') throw noSuch(id);
  if (/^\d{1,6}$/.test(part)) {
    const record = (await readBatchIndex(objects, { key: object, bytes }, signal))[Number(part)];
    const whole = await objects.read(object, 0, bytes, signal);
    if (record === undefined || whole === undefined) throw noSuch(id);
    return decodeBatchBytes(whole, object).subarray(record.offset, record.offset + record.bytes);
  }
  const footer = await readFooter(objects, object, bytes, signal);
  const wanted = /^[0-9a-f]{32}$/.test(part) ? part : block;
  const blocks = footer.blocks.filter((candidate) => wanted === undefined || candidate.id === wanted);
  for await (const { bytes: data } of readBlocks(objects, object, blocks, readBytes, signal)) {
    if (wanted === part) return data;
    const found = recordBytes(data, part);
    if (found !== undefined) return found;
  }
  throw noSuch(id);
}

/** Bytes of a block's record, by event id. */
function recordBytes(data: Buffer, id: string): Buffer | undefined {
  const block = decodeBlock(data);
  const payload = Buffer.from(block.payload.buffer, block.payload.byteOffset, block.payload.length);
  for (const { source, offset, start, end } of blockRecords(block)) {
    const bytes = payload.subarray(start, end);
    if (eventId(source.generation, offset, crc32(bytes)) === id) return bytes;
  }
  return undefined;
}

function noSuch(id: string): MillraceError {
  return new MillraceError('USAGE', `nothing is set aside under ${id}`, {
    hint: 'set-aside ls lists what is, each with its id',
  });
}
