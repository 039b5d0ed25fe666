import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Exit, PartSpec, RunningPart } from './process.ts';
import { createSupervisor, type Stage, type SupervisorOptions } from './supervisor.ts';

/** A part that lives until it is told otherwise. */
interface FakePart extends RunningPart {
  end(exit: Exit): void;
}

function spec(name: string): PartSpec {
  return {
    name,
    command: name,
    args: [],
    env: {},
    cwd: '/',
    ports: [],
    ready: async () => true,
    startMsMax: 1000,
    stopMsMax: 1000,
  };
}

/** A world of fake processes: every start, readiness and stop is written down in order. */
function world() {
  const happened: string[] = [];
  const alive = new Map<string, FakePart>();
  const sleeps: number[] = [];
  const waitReady: Record<string, () => Promise<void>> = {};
  let now = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    async sleep(ms) {
      sleeps.push(ms);
      now += ms;
    },
    random: () => 1,
    bytes: (size) => new Uint8Array(size),
  };
  const runner: SupervisorOptions['runner'] = {
    async start(part) {
      happened.push(`start ${part.name}`);
      const { promise: exited, resolve } = Promise.withResolvers<Exit>();
      let exit: Exit | undefined;
      const fake: FakePart = {
        name: part.name,
        pid: 1000 + happened.length,
        exited,
        exit: () => exit,
        end(how) {
          exit = how;
          alive.delete(part.name);
          resolve(how);
        },
        async stop() {
          happened.push(`stop ${part.name}`);
          fake.end({ code: 0, signal: null });
          return exited;
        },
        kill() {
          happened.push(`kill ${part.name}`);
          fake.end({ code: null, signal: 'SIGKILL' });
        },
      };
      alive.set(part.name, fake);
      return fake;
    },
    async waitReady(part) {
      await waitReady[part.name]?.();
      happened.push(`ready ${part.name}`);
    },
  };
  const supervise = (stages: Stage[]) =>
    createSupervisor({
      stages,
      runner,
      clock,
      restart: { baseMs: 100, maxMs: 1000 },
      steadyMs: 60_000,
      changed: () => undefined,
    });
  const advance = (ms: number): void => {
    now += ms;
  };
  return { happened, alive, sleeps, waitReady, supervise, advance };
}

const settle = async (until: () => boolean): Promise<void> => {
  for (let i = 0; i < 1000 && !until(); i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(until(), 'it never happened');
};

const stages = (): Stage[] => [
  { parts: [spec('stream'), spec('store')] },
  { parts: [spec('consumer')] },
  { parts: [spec('agent')] },
];

test('stages start one after another and stop in reverse', async () => {
  const { happened, supervise } = world();
  const supervisor = supervise(stages());
  await supervisor.start();
  await supervisor.stop();
  assert.deepEqual(happened, [
    'start stream',
    'start store',
    'ready stream',
    'ready store',
    'start consumer',
    'ready consumer',
    'start agent',
    'ready agent',
    'stop agent',
    'stop consumer',
    'stop stream',
    'stop store',
  ]);
  assert.deepEqual(new Set(supervisor.status().map((part) => part.state)), new Set(['stopped']));
});

test('a stage is prepared when its parts serve and before the next one starts', async () => {
  const { happened, supervise } = world();
  const [first, ...rest] = stages();
  assert.ok(first);
  const prepare = async (): Promise<void> => {
    happened.push('prepare');
  };
  await supervise([{ ...first, prepare }, ...rest]).start();
  assert.ok(happened.indexOf('ready store') < happened.indexOf('prepare'));
  assert.ok(happened.indexOf('prepare') < happened.indexOf('start consumer'));
});

test('a part that never serves fails the start, and stop leaves nothing running', async () => {
  const { alive, happened, waitReady, supervise } = world();
  waitReady.consumer = async () => {
    throw new Error('it does not work');
  };
  const supervisor = supervise(stages());
  await assert.rejects(supervisor.start(), /it does not work/);
  await supervisor.stop();
  assert.equal(alive.size, 0);
  assert.ok(!happened.includes('start agent'));
});

test('a part that ends by itself starts again with growing pauses', async () => {
  const { alive, sleeps, happened, supervise } = world();
  const supervisor = supervise(stages());
  await supervisor.start();
  for (let crash = 1; crash <= 3; crash++) {
    alive.get('store')?.end({ code: null, signal: 'SIGKILL' });
    await settle(
      () => supervisor.status()[1]?.restarts === crash && supervisor.status()[1]?.state === 'ready',
    );
  }
  assert.deepEqual(sleeps, [100, 200, 400]);
  assert.equal(happened.filter((line) => line === 'start store').length, 4);
  assert.equal(happened.filter((line) => line === 'start stream').length, 1);
  await supervisor.stop();
});

test('a part that served for long starts again with the first pause', async () => {
  const { alive, sleeps, supervise, advance } = world();
  const supervisor = supervise(stages());
  await supervisor.start();
  for (let crash = 1; crash <= 2; crash++) {
    advance(60_000);
    alive.get('agent')?.end({ code: 1, signal: null });
    await settle(
      () => supervisor.status()[3]?.restarts === crash && supervisor.status()[3]?.state === 'ready',
    );
  }
  assert.deepEqual(sleeps, [100, 100]);
  await supervisor.stop();
});

test('a restarted part that does not serve is ended and tried again', async () => {
  const { alive, waitReady, happened, supervise } = world();
  const supervisor = supervise(stages());
  await supervisor.start();
  let failures = 2;
  waitReady.consumer = async () => {
    if (failures-- > 0) throw new Error('not yet');
  };
  alive.get('consumer')?.end({ code: 1, signal: null });
  await settle(
    () =>
      supervisor.status()[2]?.state === 'ready' && happened.filter((l) => l === 'kill consumer').length === 2,
  );
  await supervisor.stop();
  assert.equal(alive.size, 0);
});

test('a stop while a part is being started leaves nothing running', async () => {
  const { alive, waitReady, supervise } = world();
  const { promise: stuck, resolve } = Promise.withResolvers<void>();
  waitReady.store = () => stuck;
  const supervisor = supervise(stages());
  const started = supervisor.start();
  await settle(() => alive.has('store'));
  const stopped = supervisor.stop();
  resolve();
  await Promise.all([started, stopped]);
  assert.equal(alive.size, 0);
});

test('kill ends every part at once and restarts none', async () => {
  const { alive, happened, supervise } = world();
  const supervisor = supervise(stages());
  await supervisor.start();
  supervisor.kill();
  await supervisor.stop();
  assert.equal(alive.size, 0);
  assert.equal(happened.filter((line) => line.startsWith('start')).length, 4);
});
