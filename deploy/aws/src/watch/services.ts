import { Aws, Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { PartStack } from '../stacks/stack.ts';
import { type AlarmSpec, sumOf } from './alarm.ts';
import { logCount } from './log-counts.ts';
import type { Watched } from './watched.ts';

const minute = Duration.minutes(1);

/** What no program makes good by itself. */
const errorLines = '{ $.level = "error" }';

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

export function serviceAlarms(stack: PartStack, watched: Watched): AlarmSpec[] {
  const { settings, targets, service, balancer, logGroup } = watched.searchApi;
  return [
    few(watched, 'consumer', settings.consumer.tasks_min),
    few(watched, 'search-api', settings.search_api.tasks_min),
    ...blocked('search', balancer.firewall),
    ...gatewayAlarms(stack, watched),
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
      name: 'search-failures',
      says: "Something was given up: an alert's notice, a line of the audit, a replay. Its log has the line, docs/operations/alarms.md the cure.",
      metric: logCount(stack, logGroup, 'SearchFailures', errorLines),
      above: 0,
      periods: 1,
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

function gatewayAlarms(stack: PartStack, watched: Watched): AlarmSpec[] {
  const { gateway } = watched;
  if (gateway?.settings.gateway === undefined) return [];
  const sum = { statistic: 'Sum', period: minute };
  const { metrics } = gateway.balancer.balancer;
  return [
    few(watched, 'gateway', gateway.settings.gateway.tasks_min),
    {
      name: 'gateway-failures',
      says: 'A program of the gateway says that something failed for good: its log has the line, docs/operations/alarms.md the cure.',
      metric: logCount(stack, gateway.logGroup, 'GatewayFailures', errorLines),
      above: 0,
      periods: 1,
    },
    {
      name: 'gateway-errors',
      says: 'Devices get 5xx and have to send again: the stream takes too little, or no task of the gateway is well.',
      metric: sumOf(
        [
          metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, sum),
          metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, sum),
        ],
        minute,
      ),
      above: 10,
      periods: 5,
      of: 8,
    },
    ...blocked('gateway', gateway.balancer.firewall),
  ];
}

function few(watched: Watched, name: string, least: number): AlarmSpec {
  return {
    name: `${name}-tasks`,
    says: `Fewer tasks of ${name} run than should: see its events in ECS, and its log.`,
    metric: runningTasks(watched, name),
    below: least,
    periods: 10,
    missing: 'bad',
  };
}

/** The internet's noise is refused at any time; this is more, or somebody of ours. */
function blocked(name: string, firewall: string | undefined): AlarmSpec[] {
  if (firewall === undefined) return [];
  return [
    {
      name: `${name}-blocked`,
      says: 'WAF refused a hundred requests in five minutes: the log of the load balancer has the addresses, with 403.',
      metric: new Metric({
        namespace: 'AWS/WAFV2',
        metricName: 'BlockedRequests',
        dimensionsMap: { WebACL: firewall, Rule: 'ALL', Region: Aws.REGION },
        statistic: 'Sum',
        period: Duration.minutes(5),
      }),
      above: 100,
      periods: 2,
    },
  ];
}
