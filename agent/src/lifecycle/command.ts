import { MillraceError } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { time } from '../config/values.ts';
import { requestDrain } from '../control/drain.ts';
import { lifecycleEvents } from './events.ts';
import { InstanceMetadata } from './metadata.ts';
import { AutoScalingActions } from './scaling.ts';
import { watchLifecycle } from './watch.ts';

/** The command line, as it is written. */
export interface LifecycleArguments {
  hook: string;
  group: string | undefined;
  deadline: string;
  limit: string;
  interval: string;
}

/**
 * `agent lifecycle`: watches the instance's metadata until `signal`, and drains the agent on `stateDir` when the
 * instance is to end. The state folder is asked for then: as long as nothing happens, nothing is loaded for it.
 * @throws MillraceError USAGE for a time that is none
 */
export async function watchInstance(
  options: LifecycleArguments,
  where: { stateDir(): Promise<string>; metadataEndpoint: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const day = 86_400_000;
  const deadlineMs = timeOf('--deadline', options.deadline, 0, day);
  const limitMs = timeOf('--limit', options.limit, 0, 2 * day);
  const intervalMs = timeOf('--interval', options.interval, 100, 3_600_000);
  if (limitMs < deadlineMs)
    throw new MillraceError(
      'USAGE',
      `--limit ${options.limit} is shorter than --deadline ${options.deadline}`,
      {
        hint: 'the upload to the archive begins at the deadline and needs time of its own',
      },
    );
  const telemetry = createTelemetry('lifecycle', lifecycleEvents, createLogger('lifecycle'));
  const metadata = new InstanceMetadata(where.metadataEndpoint);
  telemetry.emit('watching', { hook: options.hook, deadline: options.deadline, limit: options.limit });
  await watchLifecycle({
    metadata,
    actions: new AutoScalingActions({ hook: options.hook, group: options.group }, metadata),
    drain: async (ms, over) => requestDrain(await where.stateDir(), ms, over),
    clock: systemClock,
    telemetry,
    signal,
    intervalMs,
    deadlineMs,
    limitMs,
  });
}

function timeOf(name: string, text: string, minMs: number, maxMs: number): number {
  return time(minMs, maxMs).read(text, (what) => {
    throw new MillraceError('USAGE', `${name}: ${what}`);
  });
}
