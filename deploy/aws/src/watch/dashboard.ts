import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  MathExpression,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { PartStack } from '../stacks/stack.ts';
import { logNamespace } from './log-counts.ts';
import { runningTasks } from './services.ts';
import { domainMetric } from './store.ts';
import type { Watched } from './watched.ts';

/** One page: alarms first, then the way of an event from the stream to a person. */
export function dashboardOf(stack: PartStack, watched: Watched, alarms: Alarm[]): void {
  const dashboard = new Dashboard(stack, 'Dashboard', {
    dashboardName: stack.prefix,
    defaultInterval: Duration.hours(3),
  });
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 6 }));
  dashboard.addWidgets(...streamGraphs(watched));
  dashboard.addWidgets(...serviceGraphs(watched));
  const counters = counterGraphs(stack);
  if (counters.length > 0) dashboard.addWidgets(...counters);
  if (watched.store !== undefined) dashboard.addWidgets(...storeGraphs(watched.store.prefix));
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: 8, height: 6, liveData: true });
}

function streamGraphs({ stream: { stream } }: Watched): GraphWidget[] {
  const sum = { statistic: 'Sum', period: Duration.minutes(1) };
  return [
    graph(
      'Stream: bytes in, records in',
      [stream.metricIncomingBytes(sum)],
      [stream.metricIncomingRecords(sum)],
    ),
    graph('Stream: how far behind, ms', [
      stream.metricGetRecordsIteratorAgeMilliseconds({ statistic: 'Maximum', period: Duration.minutes(1) }),
    ]),
    graph('Stream: throttled', [
      stream.metricWriteProvisionedThroughputExceeded(sum),
      stream.metricReadProvisionedThroughputExceeded(sum),
    ]),
  ];
}

function serviceGraphs(watched: Watched): GraphWidget[] {
  const { consumer, searchApi } = watched;
  const cpu = { period: Duration.minutes(1) };
  return [
    graph('Tasks', [runningTasks(watched, 'consumer'), runningTasks(watched, 'search-api')]),
    graph(
      'CPU, % · memory, %',
      [consumer.service.metricCpuUtilization(cpu), searchApi.service.metricCpuUtilization(cpu)],
      [consumer.service.metricMemoryUtilization(cpu), searchApi.service.metricMemoryUtilization(cpu)],
    ),
    graph(
      'Search: answers, seconds (p50, p90)',
      [searchApi.targets.metrics.requestCount(cpu)],
      ['p50', 'p90'].map((statistic) => searchApi.targets.metrics.targetResponseTime({ ...cpu, statistic })),
    ),
  ];
}

/** What the consumers count: a line for each combination of values that had events in the time that is looked at. */
function counterGraphs({ settings }: PartStack): GraphWidget[] {
  return (settings.counters?.dimensions ?? []).map((fields) => {
    // Quoted: namespaces and names may have other characters than letters and digits.
    const names = [logNamespace(settings), ...fields].map((name) => `"${name}"`).join(',');
    return new GraphWidget({
      title: `Events by ${fields.join(', ')}`,
      left: [
        new MathExpression({
          expression: `SEARCH('{${names}} MetricName="events"', 'Sum', 60)`,
          usingMetrics: {},
          label: '',
          period: Duration.minutes(1),
        }),
      ],
      stacked: true,
      width: 8,
      height: 6,
      liveData: true,
    });
  });
}

function storeGraphs(domain: string): GraphWidget[] {
  return [
    graph(
      'Store: documents/min, searches/min',
      [domainMetric(domain, 'IndexingRate', 'Average')],
      [domainMetric(domain, 'SearchRate', 'Average')],
    ),
    graph(
      'Store: CPU, % · heap, %',
      [domainMetric(domain, 'CPUUtilization', 'Maximum')],
      [domainMetric(domain, 'JVMMemoryPressure', 'Maximum')],
    ),
    graph('Store: least free disk, MB', [domainMetric(domain, 'FreeStorageSpace', 'Minimum')]),
  ];
}
