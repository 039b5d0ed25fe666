import { Aws, Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { PartStack } from '../stacks/stack.ts';
import type { AlarmSpec } from './alarm.ts';
import { eventPattern, logCount } from './log-counts.ts';
import type { Watched } from './watched.ts';

/** A metric of the domain; AWS/ES has them by domain and account. */
export function domainMetric(domain: string, metricName: string, statistic: string): Metric {
  return new Metric({
    namespace: 'AWS/ES',
    metricName,
    dimensionsMap: { DomainName: domain, ClientId: Aws.ACCOUNT_ID },
    statistic,
    period: Duration.minutes(1),
  });
}

/** As AWS recommends them for domains; for any store, what the consumers say of it. */
export function storeAlarms(stack: PartStack, { consumer, store }: Watched): AlarmSpec[] {
  const down: AlarmSpec = {
    name: 'store-down',
    says: 'The store takes nothing, is overloaded, or has blocked an index; archiving goes on, the filler indexes later.',
    // Each minute one of these is said again while it lasts.
    metric: logCount(
      stack,
      consumer.logGroup,
      'StoreDown',
      eventPattern('store_down', 'store_waiting', 'horizons_unread', 'index_given_up', 'indices_blocked'),
    ),
    above: 0,
    periods: 2,
  };
  return store === undefined ? [down] : [down, ...domainAlarms(store.prefix, stack.settings.store.domain)];
}

function domainAlarms(domain: string, { disk_gb: diskGb }: { disk_gb: number }): AlarmSpec[] {
  const most = (name: string) => domainMetric(domain, name, 'Maximum');
  return [
    {
      name: 'store-red',
      says: 'Shards have no copy at all.',
      metric: most('ClusterStatus.red'),
      above: 0,
      periods: 1,
    },
    {
      name: 'store-yellow',
      says: 'Shards have too few copies.',
      metric: most('ClusterStatus.yellow'),
      above: 0,
      periods: 15,
    },
    {
      name: 'store-disk',
      says: 'A node has less than a quarter of its disk free: fewer hot_days, or a larger disk_gb.',
      // Megabytes, of the node with the least.
      metric: domainMetric(domain, 'FreeStorageSpace', 'Minimum'),
      below: (diskGb * 1_024) / 4,
      periods: 5,
    },
    {
      name: 'store-writes-blocked',
      says: 'The domain refuses writes: no disk, or no memory.',
      metric: most('ClusterIndexWritesBlocked'),
      above: 0,
      periods: 1,
    },
    {
      name: 'store-memory',
      says: 'Heaps are full.',
      metric: most('JVMMemoryPressure'),
      above: 95,
      periods: 3,
    },
    { name: 'store-cpu', says: 'Nodes are busy.', metric: most('CPUUtilization'), above: 80, periods: 45 },
    {
      name: 'store-snapshot',
      says: 'The hourly snapshot failed.',
      metric: most('AutomatedSnapshotFailure'),
      above: 0,
      periods: 1,
    },
    {
      name: 'store-key',
      says: 'The domain cannot use its key: it was disabled or deleted.',
      metric: most('KMSKeyError'),
      above: 0,
      periods: 1,
    },
  ];
}
