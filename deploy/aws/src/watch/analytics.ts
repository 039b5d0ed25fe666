import { Duration } from 'aws-cdk-lib';
import type { PartStack } from '../stacks/stack.ts';
import type { AlarmSpec } from './alarm.ts';
import { eventPattern, logCount } from './log-counts.ts';
import type { Watched } from './watched.ts';

/** Whether the warehouse gets what the archive has; nothing where there is none. */
export function analyticsAlarms(stack: PartStack, { analytics, archive }: Watched): AlarmSpec[] {
  if (analytics?.loader === undefined || archive.newObjects === undefined) return [];
  const { queue, dead } = archive.newObjects;
  const period = Duration.minutes(5);
  return [
    {
      name: 'loads-dead',
      says: 'Objects could not be loaded into Redshift, in thirty attempts. See the log of the loader, docs/analytics.md.',
      metric: dead.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period }),
      above: 0,
      periods: 1,
    },
    {
      name: 'loads-late',
      says: 'Objects wait for Redshift for three quarters of an hour: it is paused, too small, or refuses. See the log of the loader.',
      metric: queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period }),
      // What was tried three times, 31 minutes apart, has no age for SQS any more.
      above: 45 * 60,
      periods: 3,
    },
    {
      name: 'loads-failing',
      says: 'Loads into Redshift fail, and again when they are repeated; the log of the loader has the reason (load_failed). docs/analytics.md.',
      // What failed comes again after 31 minutes: each period has an attempt.
      metric: logCount(
        stack,
        analytics.loader.logGroup,
        'LoadsFailed',
        eventPattern('load_failed'),
        Duration.minutes(35),
      ),
      above: 0,
      periods: 2,
    },
    {
      name: 'lines-refused',
      says: 'Redshift refused lines of objects, which are loaded without them; the log of the loader has the reason.',
      metric: logCount(stack, analytics.loader.logGroup, 'LinesRefused', eventPattern('lines_refused')),
      above: 0,
      periods: 1,
    },
  ];
}
