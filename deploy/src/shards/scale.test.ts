import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayMs } from './count-steps.ts';
import { type ScaleOptions, scale } from './scale.ts';
import { FakeKinesis, type FakeOptions } from './testing/fake-kinesis.ts';

const lines: string[] = [];
const optionsFor = (count: number, given: Partial<ScaleOptions> = {}): ScaleOptions => ({
  count,
  apply: true,
  byCount: true,
  behindMax: 0.25,
  noConsumer: false,
  failoverMs: 10_000,
  patienceMs: 120_000,
  tell: (line) => lines.push(line),
  ...given,
});
const run = (fake: FakeKinesis, count: number, given: Partial<ScaleOptions> = {}) =>
  scale(fake.world, optionsFor(count, given));

test('calls go no further than twice or half, and each waits until the consumer follows', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  assert.equal((await run(fake, 9)).kind, 'done');
  assert.deepEqual(fake.calls, ['count 4', 'count 8', 'count 9']);
  assert.equal((await run(fake, 2)).kind, 'done');
  assert.deepEqual(fake.calls.slice(3), ['count 5', 'count 3', 'count 2']);
  assert.ok(fake.isEven(2));
  assert.deepEqual(fake.harm, []);
});

test('where UpdateShardCount does not exist, splits and merges of shards that are being read do it', async () => {
  const fake = new FakeKinesis({ shards: 2, hasCount: false });
  assert.equal((await run(fake, 5)).kind, 'done');
  assert.ok(fake.isEven(5));
  assert.equal((await run(fake, 3)).kind, 'done');
  assert.ok(fake.isEven(3));
  assert.ok(fake.calls.every((call) => !call.startsWith('count')));
  assert.deepEqual(fake.harm, []);
  assert.ok(fake.leastOpen >= 2 && fake.mostOpen <= 6);
});

test('without --apply nothing is asked for, and the steps are told', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  const result = await run(fake, 5, { apply: false });
  assert.deepEqual(
    [result.kind, result.steps],
    ['planned', ['UpdateShardCount 2 → 4', 'UpdateShardCount 4 → 5']],
  );
  const local = new FakeKinesis({ shards: 2, hasCount: false });
  assert.match(
    (await run(local, 4, { apply: false })).steps.join(),
    /^SplitShard \S+ after 50 % of its keys,Split/,
  );
  assert.deepEqual([...fake.calls, ...local.calls, fake.history.latestMs], [undefined]);
  assert.equal((await run(fake, 2, { apply: false })).kind, 'done');
});

test('what would lose data, or what Kinesis does not take, is refused before anything is done', async () => {
  const cases: [Partial<FakeOptions>, number, RegExp][] = [
    [{ onDemand: true }, 4, /on demand.*UpdateStreamMode/],
    [{ consumer: 'absent' }, 4, /no lease.*--no-consumer/],
    [{ consumer: 'stopped' }, 4, /nobody reads shardId/],
    [{ behindMs: dayMs / 4 + 1 }, 1, /6 h old.*forgets after 24 h.*lengthen the retention/],
    [{ behindMs: dayMs / 4 + 1 }, 4, /6 h old/],
    [{ accountShards: 10, others: 7 }, 4, /9 of 10 shards open.*may have 3, not 4/],
    [{}, 10_001, /10000 shards at most/],
  ];
  for (const [options, count, reason] of cases) {
    for (const apply of [true, false]) {
      const fake = new FakeKinesis(options);
      const result = await run(fake, count, { apply });
      assert.equal(result.kind, 'refused', String(reason));
      assert.match(result.why.join('\n'), reason);
      assert.deepEqual(fake.calls, []);
    }
  }
});

test('that nobody holds a lease for a moment, after a change, is waited for; for good, it is refused', async () => {
  for (const consumer of ['reads', 'stopped'] as const) {
    for (const apply of [true, false]) {
      const fake = new FakeKinesis({ consumer });
      for (const lease of fake.leases.values()) lease.owner = undefined;
      const { kind, why } = await run(fake, 4, { apply });
      assert.equal(kind, consumer === 'stopped' ? 'refused' : apply ? 'done' : 'planned');
      if (consumer === 'stopped') assert.match(why.join(), /nobody reads shardId/);
    }
  }
});

test('a longer retention, or a consumer that is nearer, is not refused', async () => {
  const late = { behindMs: 7 * 3_600_000 };
  assert.equal((await run(new FakeKinesis({ ...late, retentionMs: 7 * dayMs }), 4)).kind, 'done');
  assert.equal((await run(new FakeKinesis(late), 4, { behindMax: 0.5 })).kind, 'done');
  assert.equal((await run(new FakeKinesis({ consumer: 'absent' }), 4, { noConsumer: true })).kind, 'done');
});

test('a consumer that ignores the new shards stops the work after the first step, and nothing was closed unread', async () => {
  for (const hasCount of [true, false]) {
    const fake = new FakeKinesis({ shards: 2, consumer: 'late', hasCount });
    const result = await run(fake, 8);
    // The parents are read to the end, and then nobody reads anything.
    assert.ok(result.kind === 'unfinished' || result.kind === 'refused', result.kind);
    assert.match(result.why.join(), /does not read|nobody reads/);
    assert.ok(fake.calls.length <= 2, fake.calls.join());
    assert.deepEqual(fake.harm, []);
  }
});

test('a command that was killed at any step is continued by the next one', async () => {
  for (const hasCount of [true, false]) {
    for (let at = 0; at < 12; at++) {
      const fake = new FakeKinesis({ shards: 3, hasCount });
      let asked = 0;
      fake.onChange = () => {
        if (asked++ === at) throw new Error('killed');
      };
      await run(fake, 8).catch(() => undefined);
      assert.equal((await run(fake, 8)).kind, 'done');
      assert.ok(fake.isEven(8));
      assert.deepEqual(fake.harm, []);
    }
  }
});

test('a change by somebody else is waited for, and told', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  fake.disturb(20_000);
  lines.length = 0;
  assert.equal((await run(fake, 4)).kind, 'done');
  assert.match(lines[0] ?? '', /waiting until the stream is ACTIVE: UPDATING/);
  assert.deepEqual(fake.harm, []);
  fake.disturb(10 * 60_000);
  const given = await run(fake, 2);
  assert.deepEqual([given.kind, given.why], ['unfinished', ['the stream is still UPDATING']]);
});

test('when somebody else is always faster it ends, and tells so', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  // Each time between our look and our call.
  fake.onChange = () => fake.disturb(1);
  const result = await run(fake, 4);
  assert.deepEqual([result.kind, fake.calls], ['unfinished', []]);
  fake.onChange = undefined;
  assert.equal((await run(fake, 4)).kind, 'done');
});

test('who may not note when he changed the shards does not change them', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  const { stream, ...rest } = fake.world;
  const remember = () => Promise.reject(new Error('AddTagsToStream is denied'));
  await assert.rejects(scale({ ...rest, stream: { ...stream, remember } }, optionsFor(4)), /denied/);
  assert.deepEqual(fake.calls, []);
});

test('after ten calls of a day the rest is left for later, or done by splits', async () => {
  const fake = new FakeKinesis({ shards: 4 });
  for (let i = 0; i < 5; i++) {
    assert.equal((await run(fake, 8)).kind, 'done');
    assert.equal((await run(fake, 4)).kind, 'done');
  }
  const eleventh = await run(fake, 8);
  assert.equal(eleventh.kind, 'unfinished');
  assert.match(eleventh.why.join(), /ten UpdateShardCount calls in 24 hours; the next one at 2026-02-04/);
  assert.equal((await run(fake, 8, { byCount: false })).kind, 'done');
  assert.ok(fake.isEven(8));
  // Kinesis counted calls that were not ours: its own refusal is no failure either.
  fake.history = { latestMs: undefined, countCalls: [] };
  const foreign = await run(fake, 4);
  assert.deepEqual([foreign.kind, fake.open.length], ['unfinished', 8]);
});

test('a call of UpdateShardCount that did nothing is not made again: small steps do it', async () => {
  const fake = new FakeKinesis({ shards: 4, lazyCount: true });
  assert.equal((await run(fake, 3)).kind, 'done');
  assert.ok(fake.isEven(3));
  assert.equal(fake.calls.filter((call) => call.startsWith('count')).length, 1);
});

test('when the account has no room for what UpdateShardCount does in between, small steps do it', async () => {
  const fake = new FakeKinesis({ shards: 4, accountShards: 6 });
  assert.equal((await run(fake, 5)).kind, 'done');
  assert.ok(fake.isEven(5));
  assert.ok(fake.calls.every((call) => !call.startsWith('count')));
  assert.deepEqual([fake.harm, fake.mostOpen], [[], 6]);
});

test('from any count to any other: even, nothing unread is closed, never over a limit', async () => {
  const any = fc.integer({ min: 1, max: 12 });
  await fc.assert(
    fc.asyncProperty(
      any,
      any,
      fc.boolean(),
      fc.integer({ min: 1, max: 3 }),
      async (from, to, hasCount, spare) => {
        const accountShards = Math.max(from, to) + spare + 3;
        const fake = new FakeKinesis({ shards: from, hasCount, accountShards, others: 3 });
        let asked = 0;
        fake.onChange = () => {
          if (++asked % 5 === 0) fake.disturb(4_000);
        };
        const result = await run(fake, to);
        assert.deepEqual([result.kind, fake.isEven(to), fake.harm], ['done', true, []]);
      },
    ),
    { numRuns: 60 },
  );
});
