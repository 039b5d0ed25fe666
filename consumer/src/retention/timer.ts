import { messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ConsumerConfig } from '../config.ts';
import type { ConsumerTelemetry } from '../events.ts';
import { type FleetRetentionOptions, fleetRetention } from './open.ts';
import type { RetentionReport, RetentionRequest } from './retention.ts';

interface TimerOptions {
  config: ConsumerConfig['retention'];
  clock: Clock;
  telemetry: ConsumerTelemetry;
  /** Undefined while another process is at it. */
  run(request: RetentionRequest, signal: AbortSignal): Promise<RetentionReport | undefined>;
}

const lookMs = 60_000;
/** Until a run that failed is tried again: it may have read a lot of the archive. */
const failedMs = 15 * 60_000;

/** The timer for one store. */
export async function runRetention(
  options: FleetRetentionOptions & { telemetry: ConsumerTelemetry },
  signal: AbortSignal,
): Promise<void> {
  const { config, clock, telemetry } = options;
  const run = fleetRetention(options);
  await runRetentionTimer({ config: config.retention, clock, telemetry, run }, signal);
}

/**
 * Retention once a day, from the configured time on. Each process of the fleet does it after the other: who comes
 * later finds nothing left to do.
 */
export async function runRetentionTimer(options: TimerOptions, signal: AbortSignal): Promise<void> {
  const { config, clock, telemetry } = options;
  const { days, at, enabled } = config;
  if (days === undefined || !enabled) return;
  let done = '';
  while (!signal.aborted) {
    const now = new Date(clock.now()).toISOString();
    const today = now.slice(0, 10);
    if (done !== today && now.slice(11, 16) >= at) {
      try {
        const report = await options.run({ days, dryRun: false, replayed: false }, signal);
        if (report !== undefined) {
          tell(telemetry, report);
          done = today;
        }
      } catch (error) {
        if (!signal.aborted) telemetry.emit('retention_failed', { error: messageOf(error) });
        await clock.sleep(failedMs, signal);
      }
    }
    await clock.sleep(lookMs, signal);
  }
}

function tell(telemetry: ConsumerTelemetry, { deleted, refused, cutoff }: RetentionReport): void {
  for (const { index, problems } of refused) telemetry.emit('retention_refused', { index, problems });
  telemetry.emit('retention_done', {
    deleted: deleted.length,
    cutoff,
    indices: deleted.slice(0, 100).map(({ index }) => index),
  });
}
