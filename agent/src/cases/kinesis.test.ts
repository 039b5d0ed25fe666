import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { Case, life, lines } from '../testing/case.ts';

const mebibyte = 1024 * 1024;

/** Lines that stay large when they are compressed: about a mebibyte in 12,000. */
const noise = (count: number) =>
  Array.from({ length: count }, () => `${randomBytes(64).toString('base64')}\n`);

function assertNoneTwice(world: Case): void {
  const ids = world.stream.blocks.map(blockId);
  assert.equal(new Set(ids).size, ids.length, 'no block is stored twice');
}

describe('Kinesis', { concurrency: 6 }, () => {
  test('case 26: a call that is never answered ends by its time limit and is sent again', async (t) => {
    const world = await Case.open(t);
    world.stream.script.push({ do: 'hang', stored: true });
    world.write('a.log', lines('x', 0, 10).join(''));
    await world.start();
    await world.arrived('x 9\n');
    world.append('a.log', 'x 10\n');
    await world.arrived('x 10\n');
    await world.until(() => world.agent.events('request_failed').length > 0, 'the time limit', 60_000);
    await world.expect([life('a.log', lines('x', 0, 11))]);
    assert.deepEqual(world.stream.blocks[0], world.stream.blocks.at(-1));
  });

  test('case 26: of a call, the refused records alone are sent again, byte for byte', async (t) => {
    const world = await Case.open(t);
    const texts = noise(100_000);
    world.write('a.log', texts.join(''));
    for (let i = 0; i < 6; i++)
      world.stream.script.push({
        do: 'refuse',
        which: (index) => index % 2 === i % 2,
        // For its rate only once: after that, calls are small.
        ...(i === 4 ? {} : { code: 'InternalFailure' }),
      });
    await world.start();
    await world.expect([life('a.log', texts)]);
    assertNoneTwice(world);
    const mixed = world.stream.calls.filter(
      ({ answer, records }) => answer === 'refuse' && records.length > 1,
    );
    assert.ok(mixed.length > 0, 'some call was refused in part');
    assert.ok(world.agent.events('records_retried').length >= 1);
    const stored = new Set(world.stream.blocks.map(blockId));
    for (const { records } of world.stream.calls)
      for (const { data } of records)
        assert.ok(stored.has(blockId(data)), 'what is sent again is what was sent');
  });

  test('case 26: a record refused 30 times in a row is neither dropped nor taken as stored', async (t) => {
    const world = await Case.open(t);
    for (let i = 0; i < 30; i++) world.stream.script.push({ do: 'refuse', which: () => true });
    world.write('a.log', lines('x', 0, 10).join(''));
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 10))]);
    assertNoneTwice(world);
  });

  test('case 26: records over the limit are cut, and no call breaks a bound, keys counted', async (t) => {
    const match = ['batch_request_max_count 3', 'batch_request_max_size 2m'];
    const world = await Case.open(t, { match });
    const long = `${randomBytes(2.5 * mebibyte)
      .toString('latin1')
      .replaceAll('\n', ' ')}\n`;
    const texts = noise(40_000);
    world.write('a.log', Buffer.from(texts.join('') + long, 'latin1'));
    for (let i = 0; i < 30; i++) world.write(`small ${i}.log`, `small ${i}\n`);
    await world.start();
    await world.until(() => world.texts().some((text) => text.endsWith(long.slice(-100))), 'the long line');
    await world.stop();
    const first = world.lives().find(({ file }) => file === 'a.log');
    const all = first?.records.map((record) => record.slice(record.indexOf(' ') + 1)) ?? [];
    assert.deepEqual(all.slice(0, texts.length), texts);
    assert.equal(all.slice(texts.length).join('') === long, true);
    assert.deepEqual(world.stream.violations, []);
    for (const { records } of world.stream.calls) {
      const bytes = records.reduce(
        (sum, { data, partitionKey }) => sum + data.length + partitionKey.length,
        0,
      );
      assert.ok(records.length <= 3 && bytes <= 2 * mebibyte, `${records.length} records, ${bytes} bytes`);
    }
  });

  test('case 26: 500 records a call at most', async (t) => {
    const world = await Case.open(t, { match: ['outbox_size 64m'] });
    world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
    await world.start();
    const expected: string[] = [];
    // Each start of a block takes a linger: many files' worth of blocks wait for the stream.
    for (let i = 0; i < 60; i++) {
      expected.push(`x ${i}\n`);
      world.append('a.log', `x ${i}\n`);
      await delay(60);
    }
    world.stream.always = { do: 'accept' };
    await world.expect([life('a.log', expected)]);
    assertNoneTwice(world);
    const most = Math.max(...world.stream.calls.map(({ records }) => records.length));
    assert.ok(most > 1 && most <= 500, `${most} records waited and went in one call`);
  });

  for (const [name, answer] of [
    ['the socket closes after storing', { do: 'reset', stored: true }],
    ['500 after storing', { do: 'fail', status: 500, code: 'InternalFailure', stored: true }],
    ['an answer without results after storing', { do: 'fail', status: 200, code: 'none', stored: true }],
    ['the socket closes before storing', { do: 'reset', stored: false }],
    ['an expired token', { do: 'fail', status: 400, code: 'ExpiredTokenException' }],
    ['the stream is absent', { do: 'fail', status: 400, code: 'ResourceNotFoundException' }],
    ['a throttled call', { do: 'fail', status: 400, code: 'LimitExceededException' }],
  ] as const) {
    test(`case 26: ${name}: the same bytes again, each line once`, async (t) => {
      const world = await Case.open(t);
      world.stream.script.push(answer, answer, answer);
      world.write('a.log', lines('x', 0, 10).join(''));
      await world.start();
      await world.until(() => world.stream.script.length === 0, 'the calls that fail');
      world.append('a.log', 'x 10\n');
      await world.arrived('x 10\n');
      await world.expect([life('a.log', lines('x', 0, 11))]);
      const first = world.stream.calls[0]?.records[0]?.data ?? Buffer.alloc(0);
      const again = world.stream.calls.filter(({ records }) =>
        records.some(({ data }) => data.equals(first)),
      );
      assert.equal(again.length, 4, 'three failures, then accepted');
      const copies = world.stream.blocks.filter((block) => block.equals(first)).length;
      assert.equal(copies, 'stored' in answer && answer.stored ? 4 : 1);
    });
  }

  test('case 26: a hanging call holds neither other calls nor the reading up', async (t) => {
    const world = await Case.open(t, { match: ['drain_timeout 0.2s'] });
    world.stream.script.push({ do: 'hang', stored: false });
    world.write('a.log', 'x 0\n');
    await world.start();
    await world.until(() => world.stream.calls.length === 1, 'the call that hangs');
    world.append('a.log', lines('x', 1, 10).join(''));
    await world.arrived('x 9\n');
    await world.agent.kill();
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 10))]);
  });

  test('case 26: stopping while records are refused waits for them', async (t) => {
    const world = await Case.open(t);
    for (let i = 0; i < 8; i++) world.stream.script.push({ do: 'refuse', which: () => true });
    world.write('a.log', lines('x', 0, 10).join(''));
    await world.start();
    await world.stop();
    assert.deepEqual(world.lives(), [life('a.log', lines('x', 0, 10))]);
  });
});
