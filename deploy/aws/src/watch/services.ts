import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { AlarmSpec } from './alarm.ts';
import type { Watched } from './watched.ts';

const minute = Duration.minutes(1);

/** How many tasks of a service run, by Container Insights. */
export function runningTasks({ network }: Watched, service: string): Metric {
  return new Metric({
    namespace: 'ECS/ContainerInsights',
    metricName: 'RunningTaskCount',
    dimensionsMap: { ClusterName: network.prefix, ServiceName: `${network.prefix}-${service}` },
    statistic: 'Minimum',
    period: minute,
  });
}

export function serviceAlarms(watched: Watched): AlarmSpec[] {
  const { settings, targets, service } = watched.searchApi;
  const few = (name: string, least: number): AlarmSpec => ({
    name: `${name}-tasks`,
    says: `Fewer tasks of ${name} run than should: see its events in ECS, and its log.`,
    metric: runningTasks(watched, name),
    below: least,
    periods: 10,
    missing: 'bad',
  });
  return [
    few('consumer', settings.consumer.tasks_min),
    few('search-api', settings.search_api.tasks_min),
    {
      name: 'consumer-cpu',
      says: 'Consumers are busy although all that may run do: raise consumer.tasks_max, then shards.',
      metric: watched.consumer.service.metricCpuUtilization({ period: minute }),
      above: 80,
      periods: 30,
    },
    {
      name: 'search-cpu',
      says: 'The search API is busy although all tasks that may run do: raise search_api.tasks_max.',
      metric: service.metricCpuUtilization({ period: minute }),
      above: 80,
      periods: 30,
    },
    {
      name: 'search-errors',
      says: 'The search API answers with 5xx: see its log, and the store.',
      metric: targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
        statistic: 'Sum',
        period: minute,
      }),
      above: 10,
      periods: 5,
    },
    {
      name: 'search-slow',
      says: 'Every tenth answer takes longer than five seconds.',
      metric: targets.metrics.targetResponseTime({ statistic: 'p90', period: minute }),
      above: 5,
      periods: 10,
    },
  ];
}
