import { Duration } from 'aws-cdk-lib';
import type { AlarmSpec } from './alarm.ts';
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
      says: 'Events are in search later than they should be. See CPU and number of the consumers, and the store.',
      metric: age,
      above: behind * 60_000,
      periods: 5,
    },
    {
      name: 'write-throttled',
      says: 'The stream takes less than agents send; their outboxes hold the rest. millrace shards scale.',
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
      metric: table.metric('ThrottledRequests', sum),
      above: 0,
      periods: 5,
    })),
  ];
}
