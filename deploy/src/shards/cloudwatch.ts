import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { type AwsAddress, awsTimeouts, unavailable } from './aws.ts';
import type { Load, LoadMeter, ShardLoad } from './ports.ts';

const periodS = 60;
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const queriesMax = 500;

type Statistic = 'Sum' | 'Maximum';
/** Names of the stream's own metrics, and of a shard's, which cost extra and are there only when they were asked for. */
const ofStream = {
  bytes: ['IncomingBytes', 'Sum'],
  records: ['IncomingRecords', 'Sum'],
  throttled: ['WriteProvisionedThroughputExceeded', 'Sum'],
  age: ['GetRecords.IteratorAgeMilliseconds', 'Maximum'],
} satisfies Record<string, [string, Statistic]>;
const ofShard = { ...ofStream, age: ['IteratorAgeMilliseconds', 'Maximum'] } satisfies typeof ofStream;

/** What CloudWatch says of a stream, by minutes. A minute without a number is one in which nothing came. */
export function createCloudWatchMeter(StreamName: string, address: AwsAddress, clock: Clock): LoadMeter {
  const client = new CloudWatchClient({ ...address, requestHandler: awsTimeouts });
  return {
    async load(windowMs, shards) {
      const queries = [
        ...queriesFor(ofStream, { StreamName }, 's'),
        ...shards.flatMap((ShardId, i) => queriesFor(ofShard, { StreamName, ShardId }, `h${i}`)),
      ];
      const endMs = clock.now();
      const values = await read(client, queries, new Date(endMs - windowMs), new Date(endMs)).catch(
        (cause: unknown) => {
          throw unavailable(`GetMetricData of stream ${StreamName}`, cause);
        },
      );
      const minutes = Math.max(1, Math.round(windowMs / 1000 / periodS));
      return loadOf(values, shards, minutes);
    },
    close: () => client.destroy(),
  };
}

function queriesFor(
  metrics: typeof ofStream,
  dimensions: Record<string, string>,
  id: string,
): MetricDataQuery[] {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  return Object.entries(metrics).map(([key, [MetricName, Stat]]) => ({
    Id: `${id}_${key}`,
    MetricStat: { Metric: { Namespace: 'AWS/Kinesis', MetricName, Dimensions }, Period: periodS, Stat },
  }));
}

/** Values of each query, by its id. */
async function read(
  client: CloudWatchClient,
  queries: MetricDataQuery[],
  StartTime: Date,
  EndTime: Date,
): Promise<Map<string, number[]>> {
  const values = new Map<string, number[]>();
  for (let i = 0; i < queries.length; i += queriesMax) {
    const MetricDataQueries = queries.slice(i, i + queriesMax);
    for (let NextToken: string | undefined; ; ) {
      const page = await client.send(
        new GetMetricDataCommand({ MetricDataQueries, StartTime, EndTime, NextToken }),
      );
      for (const { Id = '', Values = [] } of page.MetricDataResults ?? []) {
        values.set(Id, [...(values.get(Id) ?? []), ...Values]);
      }
      NextToken = page.NextToken;
      if (NextToken === undefined) break;
    }
  }
  return values;
}

function loadOf(values: Map<string, number[]>, shards: string[], minutes: number): Load | undefined {
  const all = (id: string, key: string) => values.get(`${id}_${key}`) ?? [];
  const sum = (numbers: number[]) => numbers.reduce((total, value) => total + value, 0);
  const peak = (id: string, key: string) => Math.max(0, ...all(id, key)) / periodS;
  const mean = (id: string, key: string) => sum(all(id, key)) / (minutes * periodS);
  const age = (id: string) => (all(id, 'age').length === 0 ? undefined : Math.max(...all(id, 'age')));
  // Where every write is refused nothing comes in either.
  if (all('s', 'bytes').length === 0 && sum(all('s', 'throttled')) === 0) return undefined;
  const each = shards.map((shard, i): [string, ShardLoad] => {
    const id = `h${i}`;
    return [
      shard,
      {
        bytes: peak(id, 'bytes'),
        records: peak(id, 'records'),
        events: undefined,
        throttled: sum(all(id, 'throttled')),
        iteratorAgeMs: age(id),
      },
    ];
  });
  return {
    source: `CloudWatch, busiest minute of ${minutes}`,
    peak: { bytes: peak('s', 'bytes'), records: peak('s', 'records'), events: undefined },
    mean: { bytes: mean('s', 'bytes'), records: mean('s', 'records'), events: undefined },
    throttled: sum(all('s', 'throttled')),
    iteratorAgeMs: age('s'),
    shards: new Map(each),
  };
}
