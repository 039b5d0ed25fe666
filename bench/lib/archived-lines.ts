import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey } from '@millrace/core/archive/key.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { accessLogLines } from './access-log.ts';
import { lineBlocks } from './bodies.ts';

const generation = Buffer.from('0199a1b2c3d47abc8def0123456789ab', 'hex');
const capturedMs = Date.UTC(2026, 0, 2);
const objectBytesMax = 16 * 1024 * 1024;

/** Blocks of access-log lines, the same for the same count. */
export function archivedBlocks(count: number, stream: string): Iterable<Block> {
  return lineBlocks(accessLogLines(count), stream, { generation, capturedMs });
}

/** Puts the lines into archive objects, as the consumer would. */
export async function writeArchive(objects: ObjectStore, count: number, stream: string): Promise<void> {
  let sequence = 0;
  let builder = new FooterBuilder(stream);
  let parts: Buffer[] = [];
  const complete = async () => {
    const key = archiveKey({
      prefix: '',
      stream,
      hourMs: capturedMs,
      shard: 'shardId-000000000000',
      firstSequence: String(sequence),
      suffix: '00000000',
    });
    await objects.put(key, Buffer.concat([...parts, encodeFooter(builder.build())]));
    builder = new FooterBuilder(stream);
    parts = [];
  };
  for (const { header, payload } of archivedBlocks(count, stream)) {
    const bytes = encodeBlock(header, payload);
    const id = blockId(bytes);
    builder.add({ length: bytes.length, id, arrivalMs: capturedMs, sequence: String(++sequence) }, header);
    builder.daysUnknown();
    parts.push(bytes);
    if (builder.offset >= objectBytesMax) await complete();
  }
  if (parts.length > 0) await complete();
}
