import {
  AddTagsToStreamCommand,
  DescribeLimitsCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListTagsForStreamCommand,
  MergeShardsCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type AwsAddress, awsTimeouts, errorName, unavailable } from './aws.ts';
import { countLimits } from './count-steps.ts';
import { begunText, parseBegun } from './history.ts';
import type { Answer, Shard, Stream } from './ports.ts';

/** On the stream itself, so that whoever looks next knows, wherever he runs. Colons are not allowed everywhere. */
const tags = {
  latest: 'millrace-resharded',
  calls: 'millrace-shard-count-calls',
  begun: 'millrace-resharding',
};

/** The Kinesis stream `StreamName`, or that of a stand-in. */
export function createKinesisStream(StreamName: string, address: AwsAddress, clock: Clock): Stream {
  const client = new KinesisClient({ ...address, requestHandler: new NodeHttpHandler(awsTimeouts) });
  const ask = async <T>(action: string, call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (cause) {
      throw unavailable(`${action} of stream ${StreamName}`, cause);
    }
  };
  return {
    state: async () => {
      const { StreamDescriptionSummary: it } = await ask(
        'DescribeStreamSummary',
        client.send(new DescribeStreamSummaryCommand({ StreamName })),
      );
      return {
        name: StreamName,
        status: it?.StreamStatus ?? 'unknown',
        onDemand: it?.StreamModeDetails?.StreamMode === 'ON_DEMAND',
        retentionMs: (it?.RetentionPeriodHours ?? 24) * 3_600_000,
        shardMetrics: (it?.EnhancedMonitoring ?? []).some(
          ({ ShardLevelMetrics = [] }) => ShardLevelMetrics.length > 0,
        ),
        fanOutConsumers: it?.ConsumerCount ?? 0,
      };
    },
    shards: () => ask('ListShards', listShards(client, StreamName)),
    limits: () => ask('DescribeLimits', readLimits(client)),
    updateCount: (TargetShardCount) =>
      answered(
        ask(
          'UpdateShardCount',
          client.send(
            new UpdateShardCountCommand({ StreamName, TargetShardCount, ScalingType: 'UNIFORM_SCALING' }),
          ),
        ),
      ),
    split: (ShardToSplit, at) =>
      answered(
        ask(
          'SplitShard',
          client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey: String(at) })),
        ),
      ),
    merge: (ShardToMerge, AdjacentShardToMerge) =>
      answered(
        ask(
          'MergeShards',
          client.send(new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge })),
        ),
      ),
    behindMs: (shard, checkpoint) =>
      ask('GetRecords', oldestUncovered(client, StreamName, shard, checkpoint, clock)),
    history: async () => {
      const found = await ask('ListTagsForStream', listTags(client, StreamName));
      const textOf = (key: string) => found.get(key) ?? '';
      return {
        latestMs: times(textOf(tags.latest))[0],
        countCalls: times(textOf(tags.calls)),
        begun: parseBegun(textOf(tags.begun)),
      };
    },
    remember: async ({ latestMs, countCalls, begun }) => {
      const Tags = {
        ...(latestMs === undefined ? {} : { [tags.latest]: seconds([latestMs]) }),
        ...(countCalls.length === 0 ? {} : { [tags.calls]: seconds(countCalls) }),
        ...(begun === undefined ? {} : { [tags.begun]: begunText(begun) }),
      };
      return answered(ask('AddTagsToStream', client.send(new AddTagsToStreamCommand({ StreamName, Tags }))));
    },
    close: () => client.destroy(),
  };
}

async function listShards(client: KinesisClient, StreamName: string): Promise<Shard[]> {
  const shards: Shard[] = [];
  for (let token: string | undefined; ; ) {
    // A page's token stands for the stream; naming both is refused.
    const page = await client.send(
      new ListShardsCommand(token === undefined ? { StreamName } : { NextToken: token }),
    );
    for (const shard of page.Shards ?? []) {
      shards.push({
        id: shard.ShardId ?? '',
        parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
        from: BigInt(shard.HashKeyRange?.StartingHashKey ?? 0),
        to: BigInt(shard.HashKeyRange?.EndingHashKey ?? 0),
        open: shard.SequenceNumberRange?.EndingSequenceNumber === undefined,
      });
    }
    token = page.NextToken;
    if (token === undefined) return shards;
  }
}

/** Ten a page, and those of CloudFormation are among them. */
async function listTags(client: KinesisClient, StreamName: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let ExclusiveStartTagKey: string | undefined; ; ) {
    const { Tags = [], HasMoreTags } = await client.send(
      new ListTagsForStreamCommand({ StreamName, ExclusiveStartTagKey }),
    );
    for (const { Key = '', Value = '' } of Tags) found.set(Key, Value);
    ExclusiveStartTagKey = Tags.at(-1)?.Key;
    if (HasMoreTags !== true || ExclusiveStartTagKey === undefined) return found;
  }
}

async function readLimits(client: KinesisClient) {
  try {
    const { ShardLimit = 0, OpenShardCount = 0 } = await client.send(new DescribeLimitsCommand({}));
    return { shardsMax: ShardLimit, shardsOpen: OpenShardCount };
  } catch (error) {
    if (errorName(error) === 'UnknownOperationException') return undefined;
    throw error;
  }
}

async function oldestUncovered(
  client: KinesisClient,
  StreamName: string,
  ShardId: string,
  checkpoint: string,
  clock: Clock,
): Promise<number | undefined> {
  if (checkpoint === 'LATEST') return 0;
  const after = /^\d+$/.test(checkpoint)
    ? ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: checkpoint } as const)
    : ({ ShardIteratorType: 'TRIM_HORIZON' } as const);
  try {
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamName, ShardId, ...after }),
    );
    const { Records = [], MillisBehindLatest } = await client.send(
      new GetRecordsCommand({ ShardIterator, Limit: 1 }),
    );
    const arrived = Records[0]?.ApproximateArrivalTimestamp;
    return arrived === undefined ? (MillisBehindLatest ?? 0) : Math.max(0, clock.now() - arrived.getTime());
  } catch (error) {
    // The consumer reads as often as a shard allows: the next look finds room.
    if (errorName(error) === 'ProvisionedThroughputExceededException') return undefined;
    throw error;
  }
}

/** Refusals that say "not now" or "not here" are answers. */
async function answered(call: Promise<unknown>): Promise<Answer> {
  try {
    await call;
    return { kind: 'started' };
  } catch (error) {
    const cause = (error as Error).cause;
    const kind = answers[errorName(cause)];
    if (kind === undefined) throw error;
    return { kind, message: (cause as Error).message };
  }
}

const answers: Record<string, 'unsupported' | 'busy' | 'limit'> = {
  UnknownOperationException: 'unsupported',
  ResourceInUseException: 'busy',
  LimitExceededException: 'limit',
};

/** Ten times fit into the 256 characters of a tag. */
function seconds(timesMs: number[]): string {
  const last = timesMs.slice(-countLimits.callsPerDay);
  return last.map((ms) => Math.round(ms / 1000)).join(' ');
}

function times(text: string): number[] {
  return text
    .split(' ')
    .filter((part) => /^\d{1,12}$/.test(part))
    .map((part) => Number(part) * 1000);
}
