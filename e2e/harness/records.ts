import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { clientOptions, endpoint, type StackUnderTest } from './stack.ts';

/** Puts records into the stream, as a producer does that is not our agent. */
export async function putRecords(stack: StackUnderTest, records: Uint8Array[]): Promise<void> {
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  for (let at = 0; at < records.length; at += 500) {
    const Records = records
      .slice(at, at + 500)
      .map((Data, i) => ({ Data, PartitionKey: `${at + i}-${Math.random()}` }));
    const { FailedRecordCount } = await client.send(
      new PutRecordsCommand({ StreamName: 'millrace', Records }),
    );
    if (FailedRecordCount) throw new Error(`${FailedRecordCount} records were not taken`);
  }
  client.destroy();
}

/** A block of lines, of a source of its own, as of a time of capture. */
export function blockOfLines(stream: string, lines: string[], capturedMs: number): Buffer {
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const { header, payload } = blockOf([{ bytes, from: 0, capturedMs, multiline: false }]);
  header.stream = stream;
  for (const source of header.sources) source.generation = mintGeneration(systemClock);
  return encodeBlock(header, payload);
}
