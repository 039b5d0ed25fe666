import { Duration } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Settings } from '../settings/schema.ts';
import type { PartStack } from '../stacks/stack.ts';

/** Of all metrics that logs become. */
export function logNamespace({ stage }: Settings): string {
  return `Millrace/${stage}`;
}

/**
 * Counts lines of a program's log whose JSON fits. A drop or a failure is one typed event, log line and counter
 * together, so that its log says as much as its metrics, and no program needs rights to write metrics.
 */
export function logCount(
  stack: PartStack,
  logGroup: ILogGroup,
  name: string,
  pattern: string,
  period = Duration.minutes(5),
): Metric {
  const filter = new MetricFilter(stack, `Count-${name}`, {
    logGroup,
    metricNamespace: logNamespace(stack.settings),
    metricName: name,
    filterPattern: FilterPattern.literal(pattern),
    metricValue: '1',
  });
  return filter.metric({ statistic: 'Sum', period });
}

/** Lines of any of these events. */
export function eventPattern(...events: string[]): string {
  return `{ ${events.map((event) => `($.event = "${event}")`).join(' || ')} }`;
}
