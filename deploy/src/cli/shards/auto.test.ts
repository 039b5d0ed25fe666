import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Load } from '../../shards/ports.ts';
import { FakeKinesis } from '../../shards/testing/fake-kinesis.ts';
import type { Parsed } from '../command.ts';
import { auto } from './auto.ts';
import type { Where } from './where.ts';

function loadOf(bytes: number, throttled = 0): Load {
  const rate = { bytes, records: 10, events: 0 };
  return { source: 'test', peak: rate, mean: rate, throttled, iteratorAgeMs: 0, shards: new Map() };
}

/** `auto` for a stream with this load. */
function command(fake: FakeKinesis, load: Load | undefined, more: Partial<Where> = {}) {
  const where: Where = {
    ...fake.world,
    meter: { load: async () => load, close: () => undefined },
    failoverMs: 10_000,
    hasPast: true,
    close: () => undefined,
    ...more,
  };
  return async (...given: [string, string][]) => {
    const parsed: Parsed = {
      strings: Object.fromEntries(given),
      lists: {},
      flags: { apply: true, json: true },
      positionals: ['auto'],
    };
    let out = '';
    const stdout = (text: string) => {
      out += text;
    };
    const code = await auto(where, parsed, 900_000, { stdout, stderr: () => undefined });
    assert.equal(JSON.parse(out).exit, code);
    return { code, out };
  };
}

test('a stream that nothing comes into has nothing to be changed; consumers that tell of no shard are a failure', async () => {
  const idle = await command(new FakeKinesis(), undefined)();
  assert.equal(idle.code, 0, idle.out);
  assert.match(idle.out, /nothing came in/);
  assert.equal((await command(new FakeKinesis(), undefined, { hasPast: false })()).code, 1);
});

test('refused writes at --max end with 7 and say what to do', async () => {
  const fake = new FakeKinesis({ shards: 4 });
  const { code, out } = await command(fake, loadOf(1_000, 12))(['max', '4']);
  assert.equal(code, 7);
  assert.match(out, /12 writes refused: 5 shards would be right, and --max allows 4; raise it/);
  assert.deepEqual(fake.calls, []);
});

test('of two at once one acts, and a third sees that it was a moment ago', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  const both = await Promise.all([command(fake, loadOf(1_900_000))(), command(fake, loadOf(2_900_000))()]);
  assert.deepEqual(both.map(({ code }) => code).toSorted(), [0, 5]);
  assert.equal(fake.calls.length, 1, fake.calls.join());
  const third = await command(fake, loadOf(9_000_000))();
  assert.deepEqual([third.code, fake.calls.length], [0, 1]);
  assert.match(third.out, /changed \d+ min ago/);
});

test('while the stream is being changed nothing is decided', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  fake.disturb(60_000);
  const { code, out } = await command(fake, loadOf(9_000_000))();
  assert.deepEqual([code, fake.calls], [0, []]);
  assert.match(out, /the stream is UPDATING: somebody changes it/);
});

test('a call that was refused starts no cooldown: the next look tries again', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  fake.onChange = () => fake.disturb(1_000);
  assert.equal((await command(fake, loadOf(1_900_000))()).code, 5);
  fake.onChange = undefined;
  await fake.world.clock.sleep(5_000);
  assert.equal((await command(fake, loadOf(1_900_000))()).code, 0);
  assert.equal(fake.calls.length, 1);
});
