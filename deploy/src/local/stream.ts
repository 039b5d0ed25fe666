import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ResourceInUseException,
} from '@aws-sdk/client-kinesis';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { localNames } from './config-files.ts';

/**
 * Makes a stream of a local stack if it is not there yet, and waits until it is ACTIVE.
 * @throws MillraceError STREAM_UNAVAILABLE
 */
export async function createStream(
  endpoint: string,
  StreamName: string,
  shards: number,
  clock: Clock,
): Promise<void> {
  const client = new KinesisClient({
    region: localNames.region,
    endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  try {
    await client.send(new CreateStreamCommand({ StreamName, ShardCount: shards })).catch((error: unknown) => {
      if (!(error instanceof ResourceInUseException)) throw error;
    });
    for (let attempt = 0; attempt < 100; attempt++) {
      const answer = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
      if (answer.StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return;
      await clock.sleep(100);
    }
  } catch (cause) {
    throw new MillraceError('STREAM_UNAVAILABLE', `the stream ${StreamName} could not be made`, { cause });
  } finally {
    client.destroy();
  }
  throw new MillraceError('STREAM_UNAVAILABLE', `the stream ${StreamName} did not become ACTIVE in 10 s`);
}
