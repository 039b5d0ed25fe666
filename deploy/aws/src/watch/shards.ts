import { Duration } from 'aws-cdk-lib';
import type { PartStack } from '../stacks/stack.ts';
import type { AlarmSpec } from './alarm.ts';
import { logCount } from './log-counts.ts';
import type { Watched } from './watched.ts';

/** By the lines of `shards auto --json`, each of which has the exit code of its run. */
export function shardsAlarms(stack: PartStack, { shards }: Watched): AlarmSpec[] {
  if (shards === undefined) return [];
  const { logGroup, everyMinutes } = shards;
  const runs = (name: string, exit: number, of: number) =>
    logCount(
      stack,
      logGroup,
      name,
      `{ ($.event = "shards_auto") && ($.exit = ${exit}) }`,
      Duration.minutes(everyMinutes * of),
    );
  return [
    {
      name: 'autoscale-fails',
      says: 'No run of millrace shards auto ended well: it fails, or refuses as a consumer is late or gone. See its log.',
      metric: runs('AutoscaleRuns', 0, 3),
      below: 1,
      periods: 2,
      missing: 'bad',
    },
    {
      name: 'autoscale-stuck',
      says: 'The stream needs more shards than stream.autoscale.max, or even ones. Its log says which. docs/shards.md.',
      metric: runs('AutoscaleStuck', 7, 2),
      above: 0,
      periods: 2,
    },
  ];
}
