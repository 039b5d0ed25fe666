import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { memoryObjects } from '@millrace/core/testing/memory-objects.ts';
import { unusedStore } from '@millrace/core/testing/unused-store.ts';
import { settle, virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { testAlert } from '../testing/test-alert.ts';
import { testAlerts } from '../testing/test-server.ts';
import type { Alert } from './alert.ts';
import { Evaluator } from './evaluator.ts';
import type { Sent } from './sender.ts';

const minute = 60_000;
const startMs = Date.UTC(2026, 10, 22, 10);
/** Minutes, from the start, whose events make the alert fire; each is met by one window. */
const busy = new Set([3, 4, 5, 9, 14, 15]);
const alert = testAlert({ window: '1m', condition: { type: 'threshold', op: '>', count: 0 } });
/** What is to be told of them: windows end with their minute. */
const expected = ['firing 4', 'resolved 7', 'firing 10', 'resolved 11', 'firing 15', 'resolved 17'];

/** A store that several processes share, and what was sent by any of them. */
function createWorld() {
  const objects = memoryObjects();
  const time = { nowMs: startMs };
  const told: string[] = [];
  const chance = virtualClock(0, 7);
  const emitted: string[] = [];

  /**
   * A process with a clock that may be wrong; it dies in the middle of its operation number `diesAt`; blind to leases
   * it evaluates whoever else does.
   */
  function start(
    holder: string,
    { skewMs = 0, diesAt = Number.POSITIVE_INFINITY, blind = false, sending = Promise.resolve() } = {},
  ) {
    const process = { dead: false, operations: 0, skewMs, changes: [] as number[] };
    const operation = async <T>(act: () => Promise<T>): Promise<T> => {
      if (process.dead) return new Promise<never>(() => {});
      // Others come in between, in another order each time.
      for (let i = Math.floor(chance.random() * 5); i > 0; i--) await Promise.resolve();
      const dies = ++process.operations >= diesAt;
      // Before or after what it does took effect: the caller never learns which.
      if (dies && chance.random() < 0.5) {
        process.dead = true;
        return new Promise<never>(() => {});
      }
      const result = await act();
      if (!dies) return result;
      process.dead = true;
      return new Promise<never>(() => {});
    };
    const clock: Clock = { ...chance, now: () => time.nowMs + process.skewMs };
    const store: Store = {
      ...unusedStore(),
      objects: {
        get: (...args) =>
          operation(async () => (blind && args[0] === 'lease' ? undefined : objects.get(...args))),
        put: (...args) => {
          if (args[0] === 'alert_state') process.changes.push(process.operations + 1);
          return operation(async () => (blind && args[0] === 'lease' ? 'mine' : objects.put(...args)));
        },
        list: (...args) => operation(() => objects.list(...args)),
        delete: (...args) => operation(() => objects.delete(...args)),
      },
      aggregate: (request) =>
        operation(async () => ({ tookMs: 1, total: countIn(request.query), parts: {} })),
    };
    const evaluator = new Evaluator({
      store,
      config: testAlerts,
      requestTimeoutMs: 1_000,
      holder,
      page: { host: 'x' },
      clock,
      emit: (name) => emitted.push(name),
      send: (_notify, { kind, window }) =>
        operation(async (): Promise<Sent> => {
          process.changes.push(process.operations);
          told.push(`${kind} ${(Date.parse(window.to) + 1 - startMs) / minute}`);
          await sending;
          return { kind: 'sent' };
        }),
    });
    return { process, evaluator, store };
  }

  return { start, time, told, objects, emitted };
}

/** Events of the window in a query: 7 for each busy minute. */
function countIn(query: unknown): number {
  const bounds = /"gte":"([^"]+)","lte":"([^"]+)"/.exec(JSON.stringify(query));
  assert.ok(bounds !== null);
  const first = (Date.parse(bounds[1] ?? '') - startMs) / minute;
  return busy.has(first) ? 7 : 0;
}

type World = ReturnType<typeof createWorld>;

async function keepAlert({ objects }: World, kept: Alert = alert): Promise<void> {
  const { id, version: _version, ...value } = kept;
  await objects.put('alert', id, value);
}

/** Lets all processes look at once; one that died in the middle is not waited for. */
async function tickAll(processes: ReturnType<World['start']>[]): Promise<void> {
  const ticks = processes.map(({ evaluator }) => evaluator.tick());
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  await Promise.all(ticks.filter((_, i) => !processes[i]?.process.dead));
}

async function runFor(world: World, processes: ReturnType<World['start']>[], minutes: number): Promise<void> {
  const until = world.time.nowMs + minutes * minute;
  for (; world.time.nowMs < until; world.time.nowMs += 10_000) await tickAll(processes);
}

test('two evaluators at once tell each change once', async () => {
  const world = createWorld();
  await keepAlert(world);
  await runFor(world, [world.start('a'), world.start('b')], 20);
  assert.deepEqual(world.told, expected);
});

test('two that both take themselves for the only one tell each change once', async () => {
  for (const skewMs of [0, 7_000]) {
    const world = createWorld();
    await keepAlert(world);
    await runFor(world, [world.start('a', { blind: true, skewMs }), world.start('b', { blind: true })], 20);
    assert.deepEqual(world.told, expected);
  }
});

test('a notice that is being sent is sent by nobody else meanwhile', async () => {
  const world = createWorld();
  await keepAlert(world);
  const answered = Promise.withResolvers<void>();
  const slow = world.start('a', { sending: answered.promise });
  world.time.nowMs += 3 * minute;
  await runFor(world, [world.start('c')], 1.5);
  await world.objects.delete('lease', 'alerts');
  const tick = slow.evaluator.tick();
  await settle();
  assert.equal(world.told.length, 1);
  await runFor(world, [world.start('b', { blind: true })], 0.4);
  answered.resolve();
  await tick;
  assert.deepEqual(world.told, expected.slice(0, 1));
});

test('clocks that are wrong, also beyond the lease, tell each change once', async () => {
  const world = createWorld();
  await keepAlert(world);
  await runFor(world, [world.start('a', { skewMs: 45_000 }), world.start('b', { skewMs: -40_000 })], 21);
  assert.deepEqual(world.told, expected);
});

test('clocks that jump tell no change twice', async () => {
  for (const jump of [-10 * minute, -minute, 30_000, 5 * minute]) {
    const world = createWorld();
    await keepAlert(world);
    const [a, b] = [world.start('a'), world.start('b')];
    await runFor(world, [a, b], 6);
    a.process.skewMs = jump;
    await runFor(world, [a, b], 8);
    a.process.skewMs = 0;
    await runFor(world, [a, b], 10);
    assert.deepEqual([...new Set(world.told)], world.told, `jump of ${jump} ms`);
    // Windows that were looked at before their time are seen as they were then.
    if (jump < 0) assert.deepEqual(world.told, expected, `jump of ${jump} ms`);
  }
});

test('a crash at any point loses no notice; one doubles only when it was sent and not yet crossed out', async () => {
  const run = async (diesAt?: number) => {
    const world = createWorld();
    await keepAlert(world);
    const a = world.start('a', diesAt === undefined ? {} : { diesAt });
    await runFor(world, [a, world.start('b')], 22);
    return { told: world.told, ...a.process };
  };
  // Around everything that it writes or sends, and here and there between.
  const { changes, operations } = await run();
  const points = new Set(changes.flatMap((at) => [at - 1, at, at + 1]));
  for (let at = 1; at < operations; at += 197) points.add(at);
  let doubled = 0;
  for (const diesAt of points) {
    const { told } = await run(diesAt);
    assert.deepEqual([...new Set(told)], expected, `dies at ${diesAt}`);
    const extra = told.length - expected.length;
    assert.ok(extra <= 1, `dies at ${diesAt}: ${told.join(', ')}`);
    doubled += extra;
  }
  assert.ok(points.size > 50, `${points.size} points`);
  // Of each of six notices: between sending it and crossing it out, and half of those beside that.
  assert.ok(doubled > 0 && doubled <= 12, `${doubled} doubled`);
});

test('a restart tells nothing again, and makes up for what was missed', async () => {
  const world = createWorld();
  await keepAlert(world);
  await runFor(world, [world.start('a')], 5.5);
  assert.deepEqual(world.told, expected.slice(0, 1));
  world.time.nowMs += 7 * minute;
  await runFor(world, [world.start('b')], 8);
  assert.deepEqual(world.told, expected);
});

test('what was missed beyond the bound is told of as skipped', async () => {
  const world = createWorld();
  await keepAlert(world);
  await runFor(world, [world.start('a')], 2);
  world.time.nowMs += 300 * minute;
  await runFor(world, [world.start('b')], 1);
  assert.deepEqual(world.told, []);
  assert.ok(world.emitted.includes('alert_windows_skipped'));
});

test('a store that is away for a while delays, and changes nothing else', async () => {
  const world = createWorld();
  await keepAlert(world);
  const a = world.start('a');
  const { aggregate } = a.store;
  a.store.aggregate = async (...args) => {
    const minutes = (world.time.nowMs - startMs) / minute;
    if (minutes > 4 && minutes < 12) throw new MillraceError('STORE_UNAVAILABLE', 'away');
    return aggregate(...args);
  };
  await runFor(world, [a], 20);
  assert.deepEqual(world.told, expected);
  assert.ok(world.emitted.includes('alert_not_evaluated'));
});

test('a notice is tried again with pauses, and given up after a bound', async () => {
  const world = createWorld();
  await keepAlert(world);
  let tries = 0;
  const failing = new Evaluator({
    store: world.start('b').store,
    config: testAlerts,
    requestTimeoutMs: 1_000,
    holder: 'failing',
    page: { host: 'x' },
    clock: { ...virtualClock(0), now: () => world.time.nowMs },
    emit: (name) => world.emitted.push(name),
    send: async () => {
      tries++;
      return { kind: 'retry', reason: 'it answered 503' };
    },
  });
  for (; world.time.nowMs < startMs + 7 * minute; world.time.nowMs += 1_000) await failing.tick();
  assert.equal(tries, testAlerts.notice_attempts_max);
  const state = (await world.objects.get('alert_state', 'a'))?.value as { history: { status: string }[] };
  assert.ok(state.history.some(({ status }) => status === 'notice_failed'));
  assert.equal(world.emitted.filter((name) => name === 'notice_failed').length, 1);
});
