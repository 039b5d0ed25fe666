import { Duration } from 'aws-cdk-lib';
import type { Settings } from '../settings/schema.ts';
import { type AlarmSpec, sumOf } from './alarm.ts';
import type { Watched } from './watched.ts';

const minute = Duration.minutes(1);

export function streamAlarms({ stream }: Watched): AlarmSpec[] {
  const { retention_hours: hours } = stream.settings.stream;
  const { behind_minutes: behind } = stream.settings.alarms;
  const age = stream.stream.metricGetRecordsIteratorAgeMilliseconds({ statistic: 'Maximum', period: minute });
  const sum = { statistic: 'Sum', period: minute };
  return [
    {
      name: 'iterator-age',
      says: `A quarter of the stream's retention has passed unread: what is older than ${hours} h is lost.`,
      metric: age,
      above: (hours * 3_600_000) / 4,
      periods: 1,
    },
    {
      name: 'behind',
      says: 'Events are in search later than they should be, or nobody reads the stream. See the consumers: tasks, CPU, log; and the store.',
      metric: age,
      above: behind * 60_000,
      periods: 5,
      // The age comes with every read, of an idle stream as 0: none is that nobody reads.
      missing: 'bad',
    },
    {
      name: 'write-throttled',
      says: `The stream takes less than agents send; their outboxes hold the rest. ${moreShards(stream.settings)}`,
      metric: stream.stream.metricWriteProvisionedThroughputExceeded(sum),
      above: 0,
      periods: 5,
    },
    {
      name: 'read-throttled',
      says: 'Somebody else reads the stream beside the consumers: five reads a second and shard are for all.',
      metric: stream.stream.metricReadProvisionedThroughputExceeded(sum),
      above: 0,
      periods: 10,
    },
    {
      name: 'no-heartbeat',
      says: 'Nothing came for ten minutes, and each agent says something every minute: none reaches the stream.',
      metric: stream.stream.metricIncomingRecords(sum),
      below: 1,
      periods: 10,
      missing: 'bad',
    },
    ...[stream.leases, stream.locks].map((table, i) => ({
      name: i === 0 ? 'leases-throttled' : 'locks-throttled',
      says: 'DynamoDB throttles a table of the consumers; leases may be lost.',
      // ThrottledRequests would have to be asked for by operation.
      metric: sumOf(
        [table.metric('ReadThrottleEvents', sum), table.metric('WriteThrottleEvents', sum)],
        minute,
      ),
      above: 0,
      periods: 5,
      of: 8,
    })),
  ];
}

/** What to do depends on who has the shards in hand. */
function moreShards({ stream }: Settings): string {
  if (stream.mode === 'on_demand')
    return 'Kinesis adds shards by itself, within a quarter of an hour: if it lasts, see the quota of on-demand streams, and what writes to one shard.';
  return stream.autoscale === undefined
    ? 'millrace shards plan, then scale. docs/shards.md.'
    : 'Shards are added by themselves: if it lasts, see the alarms autoscale-*, stream.autoscale.max, and millrace shards status.';
}
