import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { settle, virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import type { DrainReport } from '../stopping.ts';
import { lifecycleEvents } from './events.ts';
import { type LifecycleWatch, watchLifecycle } from './watch.ts';

const done: DrainReport = { drained: true, blocksLeft: 0, bytesLeft: 0, unreadBytes: 0, spilledObjects: 0 };
const rest: DrainReport = { ...done, drained: false, blocksLeft: 3, bytesLeft: 900 };

/** An instance whose metadata, agent and group do as a test says, and what was asked of them in its order. */
function world(t: TestContext, settings: Partial<LifecycleWatch> = {}) {
  const clock = virtualClock();
  const startMs = clock.now();
  const items = new Map<string, string>([['autoscaling/target-lifecycle-state', 'InService']]);
  const controller = new AbortController();
  const said: string[] = [];
  // Seconds since it was noticed: the metadata is looked at every five.
  let noticedMs: number | undefined;
  const at = () => {
    noticedMs ??= clock.now();
    return `${(clock.now() - noticedMs) / 1000} s`;
  };
  const telemetry = createTelemetry('lifecycle', lifecycleEvents, createLogger('lifecycle', 'silent'));
  const self = {
    clock,
    items,
    said,
    /** Seconds since the start. */
    time: (seconds: number) => new Date(startMs + seconds * 1000).toISOString(),
    answer: async (_deadlineMs: number, _signal: AbortSignal): Promise<DrainReport> => done,
    /** Fails each question to the group while it is set. */
    apiError: undefined as Error | undefined,
    state: 'Terminating:Wait' as string | undefined,
    unreachable: false,
    async advance(seconds: number) {
      await clock.advance(seconds * 1000);
    },
  };
  const api = async <T>(what: string, answer: () => T): Promise<T> => {
    said.push(`${at()} ${what}`);
    if (self.apiError) throw self.apiError;
    return answer();
  };
  const watching = watchLifecycle({
    metadata: {
      async item(path) {
        if (self.unreachable) throw new Error('nobody is there');
        return items.get(path);
      },
    },
    actions: {
      state: () => api('state', () => self.state),
      heartbeat: () => api('heartbeat', () => undefined),
      complete: () =>
        api('complete', () => {
          if (self.state !== 'Terminating:Wait') return false;
          self.state = 'Terminating:Proceed';
          return true;
        }),
    },
    drain(deadlineMs, signal) {
      said.push(`${at()} drain ${deadlineMs / 1000} s`);
      return self.answer(deadlineMs, signal);
    },
    clock,
    telemetry: { ...telemetry, emit: (name) => void said.push(`${at()} ${name}`) },
    signal: controller.signal,
    intervalMs: 5_000,
    deadlineMs: 60_000,
    limitMs: 600_000,
    ...settings,
  });
  t.after(async () => {
    controller.abort();
    await settle();
    await watching;
  });
  return self;
}

/** Resolves after some time of the test's clock, or when it is aborted: then it throws. */
function slowly(seconds: number, report: DrainReport, clock: { sleep: LifecycleWatch['clock']['sleep'] }) {
  return async (_ms: number, signal: AbortSignal) => {
    await clock.sleep(seconds * 1000, signal);
    if (signal.aborted) throw new Error('aborted');
    return report;
  };
}

test('an instance in service, in a warm pool or in no group is left alone', async (t) => {
  const it = world(t);
  for (const state of ['InService', 'Standby', 'Detached', 'Warmed:Stopped', undefined]) {
    if (state === undefined) it.items.clear();
    else it.items.set('autoscaling/target-lifecycle-state', state);
    await it.advance(20);
  }
  assert.deepEqual(it.said, []);
});

test('on scale-in the agent is drained, with heartbeats meanwhile, and the action completed once', async (t) => {
  const it = world(t);
  it.answer = slowly(50, done, it.clock);
  it.items.set('autoscaling/target-lifecycle-state', 'Terminated');
  await it.advance(300);
  assert.deepEqual(it.said, [
    '0 s scale_in',
    '0 s drain 60 s',
    '20 s heartbeat',
    '40 s heartbeat',
    '50 s drained',
    '50 s complete',
    '50 s action_completed',
  ]);
});

test('what a drain leaves is drained again until the limit; then the action is completed all the same', async (t) => {
  const it = world(t, { limitMs: 200_000 });
  it.answer = slowly(90, rest, it.clock);
  it.items.set('autoscaling/target-lifecycle-state', 'Terminated');
  await it.advance(600);
  const said = it.said.filter((line) => !line.endsWith('heartbeat'));
  assert.deepEqual(said, [
    '0 s scale_in',
    '0 s drain 60 s',
    '90 s drain_incomplete',
    '92 s drain 60 s',
    '182 s drain_incomplete',
    '184 s drain 60 s',
    '200 s drain_given_up',
    '200 s complete',
    '200 s action_completed',
  ]);
});

test('an agent that is being started again is asked again; one that hangs does not hold the fleet up', async (t) => {
  const it = world(t, { limitMs: 120_000 });
  let tries = 0;
  it.answer = async (ms, signal) => {
    if (++tries < 4) throw new Error('no agent answers');
    return slowly(1e6, done, it.clock)(ms, signal);
  };
  it.items.set('autoscaling/target-lifecycle-state', 'Terminated');
  await it.advance(600);
  assert.equal(tries, 4);
  assert.deepEqual(it.said.slice(-3), ['120 s drain_given_up', '120 s complete', '120 s action_completed']);
});

test('without an agent the action is completed after the deadline', async (t) => {
  const it = world(t);
  it.answer = () => Promise.reject(new Error('no agent answers'));
  it.items.set('autoscaling/target-lifecycle-state', 'Warmed:Terminated');
  await it.advance(600);
  assert.deepEqual(it.said.slice(-3), ['60 s agent_silent', '60 s complete', '60 s action_completed']);
});

test('an action that somebody else has completed is none, and one that does not wait yet is waited for', async (t) => {
  const it = world(t);
  it.state = 'Terminating';
  it.items.set('autoscaling/target-lifecycle-state', 'Terminated');
  await it.advance(6);
  it.state = 'Terminating:Wait';
  await it.advance(60);
  assert.equal(it.said.at(-1)?.replace(/^\S+ s /, ''), 'action_completed');
  const other = world(t);
  other.state = 'Terminating:Proceed';
  other.items.set('autoscaling/target-lifecycle-state', 'Terminated');
  await other.advance(60);
  assert.deepEqual(other.said.slice(1), [
    '0 s drain 60 s',
    '0 s drained',
    '0 s complete',
    '0 s state',
    '0 s action_absent',
  ]);
});

test('an API that fails keeps nobody from draining; it is asked 20 times', async (t) => {
  const it = world(t);
  it.apiError = new Error('AccessDenied');
  it.answer = slowly(30, done, it.clock);
  it.items.set('autoscaling/target-lifecycle-state', 'Terminated');
  await it.advance(600);
  assert.deepEqual(it.said.slice(0, 5), [
    '0 s scale_in',
    '0 s drain 60 s',
    '20 s heartbeat',
    '20 s heartbeat_failed',
    '30 s drained',
  ]);
  assert.equal(it.said.filter((line) => line.endsWith(' complete')).length, 20);
  assert.ok(it.said.at(-1)?.endsWith('action_given_up'));
});

test('a spot interruption leaves half a minute of its two for the upload, and is drained for once', async (t) => {
  const it = world(t);
  it.answer = slowly(3, done, it.clock);
  it.items.set('spot/instance-action', JSON.stringify({ action: 'terminate', time: it.time(70) }));
  await it.advance(60);
  assert.deepEqual(it.said, ['0 s spot_interruption', '0 s drain 35 s', '3 s drained']);
  it.items.set('autoscaling/target-lifecycle-state', 'Terminated');
  await it.advance(20);
  assert.deepEqual(
    it.said.slice(3).map((line) => line.replace(/^\S+ s /, '')),
    ['scale_in', 'drain 60 s', 'drained', 'complete', 'action_completed'],
  );
});

test('an instance that hibernates is not drained', async (t) => {
  const it = world(t);
  it.items.set('spot/instance-action', JSON.stringify({ action: 'hibernate', time: it.time(0) }));
  await it.advance(30);
  assert.deepEqual(it.said, []);
});

test('metadata that cannot be read is said once, and watched on', async (t) => {
  const it = world(t);
  it.unreachable = true;
  await it.advance(30);
  it.unreachable = false;
  await it.advance(5);
  it.items.set('spot/instance-action', '<html>');
  await it.advance(10);
  assert.deepEqual(
    it.said.map((line) => line.replace(/^\S+ s /, '')),
    ['metadata_unreachable', 'metadata_reached', 'metadata_unreachable'],
  );
});
