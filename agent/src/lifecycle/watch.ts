import { messageOf } from '@millrace/core/errors.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { DrainReport } from '../stopping.ts';
import type { LifecycleTelemetry } from './events.ts';
import type { InstanceMetadata } from './metadata.ts';
import { type Notices, readNotices } from './notice.ts';
import type { ScalingActions } from './scaling.ts';

export interface LifecycleWatch {
  metadata: Pick<InstanceMetadata, 'item'>;
  actions: ScalingActions;
  /** Has the agent drain within this time. @throws when no agent answers */
  drain(deadlineMs: number, signal: AbortSignal): Promise<DrainReport>;
  clock: Clock;
  telemetry: LifecycleTelemetry;
  /** Ends the watch, and whatever it does. */
  signal: AbortSignal;
  /** Between two looks at the metadata. */
  intervalMs: number;
  /** Of each drain, for the stream; the upload to the archive comes after it. */
  deadlineMs: number;
  /** Longest time that the termination is held up for drains. */
  limitMs: number;
}

/** A hook's time is 30 seconds at least. */
const heartbeatMs = 20_000;
/** Between two drains: an agent that was drained is being started again. */
const againMs = 2_000;
/** An agent that answers nobody for this long, and for the deadline, is not there. */
const silenceMs = 15_000;
/** Before EC2 takes a spot instance back, what the stream did not take is uploaded in this time. */
const uploadMs = 30_000;
const completeTries = 20;
const completeBackoff = { baseMs: 500, maxMs: 10_000 };
/** Of an instance whose action does not wait yet. */
const before = new Set(['InService', 'Terminating']);

/**
 * Watches for the end of the instance. On scale-in the agent is drained while heartbeats hold the termination up, then
 * the lifecycle action is completed, whatever came of the drain: a fleet never hangs on one of its agents.
 */
export async function watchLifecycle(watch: LifecycleWatch): Promise<void> {
  const { clock, signal, intervalMs } = watch;
  const look = lookOut(watch);
  let left = false;
  let spotEndMs: number | undefined;
  while (!signal.aborted) {
    const notices = await look();
    if (notices !== undefined) {
      if (notices.scaleIn && !left) await leaveGroup(watch);
      else if (notices.spotEndMs !== undefined && notices.spotEndMs !== spotEndMs)
        await leaveSpot(watch, notices.spotEndMs);
      left = notices.scaleIn;
      ({ spotEndMs } = notices);
    }
    await clock.sleep(intervalMs, signal);
  }
}

/** Looks once; undefined while the metadata cannot be read, which is said once. */
function lookOut({ metadata, telemetry }: LifecycleWatch): () => Promise<Notices | undefined> {
  let unreachable = false;
  return async () => {
    try {
      const notices = await readNotices(metadata);
      if (unreachable) telemetry.emit('metadata_reached');
      unreachable = false;
      return notices;
    } catch (error) {
      if (!unreachable) telemetry.emit('metadata_unreachable', { error: messageOf(error) });
      unreachable = true;
      return undefined;
    }
  };
}

async function leaveGroup(watch: LifecycleWatch): Promise<void> {
  const { clock, telemetry, signal, limitMs } = watch;
  telemetry.emit('scale_in');
  const draining = new AbortController();
  const beating = heartbeats(watch, AbortSignal.any([signal, draining.signal]));
  await within(clock, limitMs, signal, (limit) => drainToTheEnd(watch, watch.deadlineMs, limit));
  draining.abort();
  await beating;
  if (!signal.aborted) await complete(watch);
}

async function leaveSpot(watch: LifecycleWatch, endMs: number): Promise<void> {
  const { clock, telemetry, signal, deadlineMs } = watch;
  const leftMs = Math.max(0, endMs - clock.now());
  telemetry.emit('spot_interruption', { end: new Date(endMs).toISOString() });
  const deadline = Math.min(deadlineMs, Math.max(0, leftMs - uploadMs));
  await within(clock, leftMs, signal, (limit) => drainToTheEnd(watch, deadline, limit));
}

/** Runs `work` with a signal that is aborted after `ms`, or with `signal`. */
async function within(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<void>,
): Promise<void> {
  const limit = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(ms, AbortSignal.any([signal, done.signal])).then(() => limit.abort());
  await work(limit.signal).finally(() => done.abort());
  await timer;
}

/** Until nothing is left. An agent ends with its drain; its supervisor starts it again, and so it can be asked again. */
async function drainToTheEnd(watch: LifecycleWatch, deadlineMs: number, limit: AbortSignal): Promise<void> {
  const { clock, telemetry } = watch;
  let silentSinceMs: number | undefined;
  while (!limit.aborted) {
    try {
      const report = await watch.drain(deadlineMs, limit);
      telemetry.emit(report.drained ? 'drained' : 'drain_incomplete', { ...report });
      if (report.drained) return;
      silentSinceMs = undefined;
    } catch (error) {
      if (limit.aborted) break;
      silentSinceMs ??= clock.monotonic();
      if (clock.monotonic() - silentSinceMs >= Math.max(deadlineMs, silenceMs)) {
        telemetry.emit('agent_silent', { error: messageOf(error) });
        return;
      }
    }
    await clock.sleep(againMs, limit);
  }
  if (!watch.signal.aborted) telemetry.emit('drain_given_up');
}

async function heartbeats({ actions, clock, telemetry }: LifecycleWatch, over: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(heartbeatMs, over);
    if (over.aborted) return;
    await actions
      .heartbeat()
      .catch((error: unknown) => telemetry.emit('heartbeat_failed', { error: messageOf(error) }));
  }
}

async function complete({ actions, clock, telemetry, signal }: LifecycleWatch): Promise<void> {
  for (let tries = 0; tries < completeTries && !signal.aborted; tries++) {
    try {
      if (await actions.complete()) return telemetry.emit('action_completed');
      const state = await actions.state();
      // The metadata can say it before the action waits.
      if (state === undefined || !before.has(state)) return telemetry.emit('action_absent', { state });
    } catch (error) {
      telemetry.emit('action_failed', { error: messageOf(error) });
    }
    await clock.sleep(
      backoffMs(completeBackoff, tries, () => clock.random()),
      signal,
    );
  }
  if (!signal.aborted) telemetry.emit('action_given_up');
}
