import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayMs } from './count-steps.ts';
import { settled } from './history.ts';
import { look, type World } from './look.ts';
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

test('what is remembered is written once for each change, before it; a stream that takes no tags now is waited for', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  assert.equal((await run(fake, 8)).kind, 'done');
  assert.deepEqual([fake.calls, fake.remembered], [['count 4', 'count 8'], 2]);
  const { countCalls } = settled(fake.history, fake.shards);
  assert.equal(countCalls.length, 2, 'the second does not forget the first');
  assert.ok((countCalls[0] ?? 0) < (countCalls[1] ?? 0));
  const { stream, ...rest } = fake.world;
  let looks = 0;
  const history = async () => {
    // Between the look and the tags; the first is the look's own.
    if (++looks === 2) fake.disturb(5_000);
    return stream.history();
  };
  lines.length = 0;
  assert.equal((await scale({ ...rest, stream: { ...stream, history } }, optionsFor(4))).kind, 'done');
  assert.match(lines.join(), /by somebody else: AddTagsToStream: ResourceInUse/);
  assert.deepEqual([fake.calls.slice(2), fake.remembered], [['count 4'], 3]);
  const remember = async () => ({ kind: 'busy' as const, message: 'ResourceInUseException' });
  const never = await scale({ ...rest, stream: { ...stream, remember } }, optionsFor(8));
  assert.deepEqual([never.kind, fake.calls.length], ['unfinished', 3], 'bounded');
});

test('a change counts from the moment it was begun if it was made, and not at all if it was refused', async () => {
  const remembered = (fake: FakeKinesis) => settled(fake.history, fake.shards);
  const fake = new FakeKinesis({ shards: 2 });
  fake.onChange = () => fake.disturb(1);
  assert.equal((await run(fake, 4)).kind, 'unfinished');
  assert.deepEqual([remembered(fake).latestMs, remembered(fake).countCalls], [undefined, []]);
  fake.onChange = undefined;
  const fromMs = fake.nowMs;
  assert.equal((await run(fake, 4)).kind, 'done');
  const { latestMs = 0, countCalls } = remembered(fake);
  assert.ok(latestMs >= fromMs && latestMs < fake.nowMs);
  assert.deepEqual(countCalls, [latestMs]);
  // Killed after Kinesis took it: nobody was there to write more.
  const killed = new FakeKinesis({ shards: 2 });
  const { stream, ...rest } = killed.world;
  const updateCount = async (count: number) => {
    await stream.updateCount(count);
    throw new Error('killed');
  };
  await assert.rejects(scale({ ...rest, stream: { ...stream, updateCount } }, optionsFor(4)), /killed/);
  assert.deepEqual(remembered(killed).countCalls, [remembered(killed).latestMs]);
});

test('a consumer that dies in the middle stops the work: a name in a lease reads nothing', async () => {
  for (const hasCount of [true, false]) {
    for (let at = 1; at <= 6; at++) {
      const fake = new FakeKinesis({ shards: 4, hasCount, updateMs: 30_000 });
      let asked = 0;
      fake.onChange = () => {
        if (++asked === at) fake.options.consumer = 'stopped';
      };
      const { kind, steps, why } = await run(fake, hasCount ? 40 : 10, { byCount: hasCount });
      if (asked < at) continue;
      assert.ok(kind === 'refused' || kind === 'unfinished', kind);
      assert.match(why.join(), /nobody reads|nobody renews|does not read/);
      assert.equal(steps.length, at, 'what was asked for when it died was the last');
      assert.deepEqual(fake.harm, []);
    }
  }
});

test('it ends with done only when each open shard is seen to be read', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  const { leases, ...rest } = fake.world;
  const dying: World['leases'] = {
    ...leases,
    leases: async () => {
      // Its last deed is to take the new ones.
      const taken = fake.open.every(({ id }) => fake.leases.get(id)?.owner !== undefined);
      if (fake.open.length === 4 && taken) fake.options.consumer = 'stopped';
      return leases.leases();
    },
  };
  const result = await scale({ ...rest, leases: dying }, optionsFor(4));
  assert.deepEqual([result.kind, result.following, fake.open.length], ['unfinished', false, 4]);
  assert.match(result.why.join(), /nobody renews the lease of shardId/);
  const alive = await run(new FakeKinesis({ shards: 2 }), 4);
  assert.deepEqual([alive.kind, alive.following], ['done', true]);
  const unasked = await run(new FakeKinesis({ consumer: 'absent' }), 4, { noConsumer: true });
  assert.deepEqual([unasked.kind, unasked.following], ['done', false]);
});

test('of two that decided on the same shards one acts, whoever is first, and tells why the other does not', async () => {
  for (const counts of [
    [4, 5],
    [5, 4],
    [4, 4],
  ]) {
    const fake = new FakeKinesis({ shards: 3 });
    const decidedOn = await look(fake.world);
    const both = await Promise.all(counts.map((count) => run(fake, count, { decidedOn })));
    assert.equal(fake.calls.length, 1, fake.calls.join());
    assert.deepEqual(both.map(({ kind }) => kind).toSorted(), ['done', 'unfinished']);
    const why = both.flatMap((result) => result.why).join();
    assert.match(why, /somebody else/);
    // A third that comes late, with what it decided before.
    const late = await run(fake, 2, { decidedOn });
    assert.match(
      late.why.join(),
      /somebody else has begun to change the shards at 2026-02-03T00:0\d:\d\d UTC/,
    );
    assert.equal(fake.calls.length, 1);
  }
  const fake = new FakeKinesis({ shards: 3 });
  const decidedOn = await look(fake.world);
  const { stream } = fake.world;
  await stream.split(fake.open[0]?.id ?? '', 2n ** 120n);
  const late = await run(fake, 2, { decidedOn });
  assert.match(late.why.join(), /not those that were decided upon/);
});

test('of two that were told to go to different counts the one that began last goes on', async () => {
  const fake = new FakeKinesis({ shards: 2, hasCount: false });
  let second: ReturnType<typeof run> | undefined;
  fake.onChange = () => {
    fake.onChange = undefined;
    second = fake.world.clock.sleep(15_000).then(() => run(fake, 3));
  };
  const first = await run(fake, 6);
  assert.equal(first.kind, 'unfinished');
  assert.match(first.why.join(), /somebody else has begun .* towards 3/);
  assert.deepEqual([(await second)?.kind, fake.isEven(3), fake.harm], ['done', true, []]);
});

test('shards are listed when the state is known, not beside it', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  fake.disturb(2_000);
  const { stream, clock, leases } = fake.world;
  const state = async () => {
    await clock.sleep(3_000);
    return stream.state();
  };
  const shards = async () => ((await stream.state()).status === 'ACTIVE' ? stream.shards() : []);
  assert.equal((await look({ clock, leases, stream: { ...stream, state, shards } })).open.length, 2);
});

test('shards that are listed late are asked for again before UpdateShardCount is given up', async () => {
  const fake = new FakeKinesis({ shards: 2 });
  const { stream, ...rest } = fake.world;
  const old = await stream.shards();
  let stale = 0;
  const shards = async () => {
    const { status } = await stream.state();
    return fake.calls.length === 1 && status === 'ACTIVE' && stale++ < 2 ? old : stream.shards();
  };
  assert.equal((await scale({ ...rest, stream: { ...stream, shards } }, optionsFor(8))).kind, 'done');
  assert.deepEqual(fake.calls, ['count 4', 'count 8']);
  const torn = async () => (await stream.shards()).slice(0, -1);
  const result = await scale({ ...rest, stream: { ...stream, shards: torn } }, optionsFor(4));
  assert.deepEqual([result.kind, fake.calls.length], ['unfinished', 2]);
  assert.match(result.why.join(), /do not have each key once/);
});

test('fewer shards are never too many for the account', async () => {
  const fake = new FakeKinesis({ shards: 6 });
  fake.options.accountShards = 3;
  assert.equal((await run(fake, 5, { apply: false })).kind, 'planned');
  const result = await run(fake, 3);
  assert.deepEqual([result.kind, fake.calls], ['done', ['count 3']]);
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
  fake.history = { latestMs: undefined, countCalls: [], begun: undefined };
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
