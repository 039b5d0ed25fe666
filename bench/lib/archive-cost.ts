import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { ArchiveWriter } from '../../consumer/src/archive/writer.ts';
import { ConsumerConfigSchema } from '../../consumer/src/config.ts';

/** CPU of this process for all that the consumer does to archive blocks that are decoded already, seconds. */
export async function archiveCpuS(
  objects: ObjectStore,
  blocks: Iterable<Block>,
  tokenFilter: boolean,
): Promise<number> {
  const given = Array.from(blocks, ({ header, payload }, i) => {
    const bytes = encodeBlock(header, payload);
    return { bytes, header, payload, sequence: String(i + 1), arrivalMs: Date.now() };
  });
  const bucket = { bucket: 'millrace', region: 'us-east-1', token_filter: tokenFilter };
  const writer = new ArchiveWriter({
    config: validateConfig(ConsumerConfigSchema.properties.archive, bucket, 'bench'),
    shard: 'shardId-bench',
    store: objects,
    clock: systemClock,
    emit: () => {},
    onCompleted: () => {},
    onLost: (_, error) => {
      throw new Error('an object was lost', { cause: error });
    },
  });
  const before = process.cpuUsage();
  for (const block of given) {
    await writer.room();
    const { object } = writer.append({ ...block, id: blockId(block.bytes) });
    writer.sealFull(object);
  }
  await writer.finish();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
