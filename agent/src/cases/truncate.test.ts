import assert from 'node:assert/strict';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Case, life, lines } from '../testing/case.ts';

/** One life's end: a few kilobytes, so that two lives with a banner differ within and beyond a fingerprint. */
const many = (prefix: string) => lines(prefix, 0, 200);

describe('truncation', { concurrency: 6 }, () => {
  test('case 7: copytruncate, unread tail only in the copy', async (t) => {
    const world = await Case.open(t, { path: '*.log*' });
    world.write('a.log', lines('x', 0, 100).join(''));
    await world.start();
    await world.arrived('x 99\n');
    world.agent.pause();
    world.append('a.log', lines('x', 100, 200).join(''));
    world.copy('a.log', 'a.log.1');
    world.truncate('a.log');
    world.append('a.log', 'next 0\n');
    world.agent.resume();
    await world.arrived('next 0\n');
    world.append('a.log', 'next 1\n');
    await world.expect([life('a.log', lines('x', 0, 200)), life('a.log', lines('next', 0, 2))]);
  });

  test('case 7: after a copytruncate both the copy and the original are written to', async (t) => {
    const world = await Case.open(t, { path: '*.log*' });
    world.write('a.log', lines('x', 0, 100).join(''));
    await world.start();
    await world.arrived('x 99\n');
    world.copy('a.log', 'a.log.1');
    world.truncate('a.log');
    await world.saw('file_truncated');
    world.append('a.log.1', 'x 100\n');
    world.append('a.log', 'next 0\n');
    await world.expect([life('a.log', lines('x', 0, 101)), life('a.log', ['next 0\n'])]);
  });

  test('case 7: the bytes that a copytruncate destroys are named when the copy matches no pattern', async (t) => {
    const world = await Case.open(t, { path: '*.log', match: ['outbox_size 2m'] });
    world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
    const texts = Array.from({ length: 300_000 }, () => `${Math.random()} ${Math.random()}\n`);
    world.write('a.log', texts.join(''));
    const { size } = statSync(world.path('a.log'));
    await world.start();
    await world.saw('outbox_full');
    world.copy('a.log', 'a.log.1');
    world.truncate('a.log');
    world.append('a.log', 'next 0\n');
    world.stream.always = { do: 'accept' };
    await world.arrived('next 0\n');
    await world.stop();
    const [old, next, ...others] = world.lives();
    assert.deepEqual([next, others], [life('a.log', ['next 0\n']), []]);
    const kept = old?.records.map((record) => record.slice(record.indexOf(' ') + 1)).join('') ?? '';
    assert.equal(texts.join('').startsWith(kept), true, 'what was read is there to its last byte');
    const [lost] = world.agent.events('bytes_destroyed');
    assert.deepEqual([lost?.from, lost?.to], [kept.length, size], 'what is missing is what it named');
  });

  for (const [name, head] of [
    ['the same first bytes', 'banner\n'.repeat(300)],
    ['other first bytes', ''],
  ] as const) {
    for (const longer of [0, 1]) {
      test(`case 8: truncated and refilled between two looks to ${longer ? 'more than' : 'exactly'} its size, ${name}`, async (t) => {
        const world = await Case.open(t);
        world.write('a.log', head + many('one').join(''));
        await world.start();
        await world.arrived('one 199\n');
        world.agent.pause();
        world.truncate('a.log');
        const more = longer ? lines('more', 0, 50) : [];
        world.append('a.log', head + [...many('two'), ...more].join(''));
        await delay(150);
        world.agent.resume();
        const banner = head === '' ? [] : head.split(/(?<=\n)/);
        await world.expect([
          life('a.log', [...banner, ...many('one')]),
          life('a.log', [...banner, ...many('two'), ...more]),
        ]);
      });
    }
  }

  test('case 8: truncated and refilled between two looks, shorter than before', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', many('one').join(''));
    await world.start();
    await world.arrived('one 199\n');
    world.agent.pause();
    world.truncate('a.log');
    world.append('a.log', 'two 0\n');
    world.agent.resume();
    await world.expect([life('a.log', many('one')), life('a.log', ['two 0\n'])]);
  });

  test('case 8: truncated and refilled while its last line waits for its end', async (t) => {
    const world = await Case.open(t, { source: ['partial_flush_interval 0'] });
    world.write('a.log', 'one 0\nbegun, and never');
    await world.start();
    await world.arrived('one 0\n');
    await delay(300);
    world.agent.pause();
    world.truncate('a.log');
    world.append('a.log', many('two').join(''));
    world.agent.resume();
    await world.expect([life('a.log', ['one 0\n', 'begun, and never']), life('a.log', many('two'))]);
  });

  test('case 9: a writer that does not append leaves a hole: no NUL is shipped', async (t) => {
    const world = await Case.open(t);
    const fd = openSync(world.path('a.log'), 'w');
    writeSync(fd, many('old').join(''));
    await world.start();
    await world.arrived('old 199\n');
    world.truncate('a.log');
    await world.saw('file_truncated');
    writeSync(fd, 'new 0\n');
    await world.arrived('new 0\n');
    writeSync(fd, 'new 1\n');
    closeSync(fd);
    const size = many('old').join('').length;
    await world.expect([life('a.log', many('old')), life('a.log', lines('new', 0, 2), size)]);
    assert.doesNotMatch(world.texts().join(''), /\0/);
  });

  test('case 9: the hole is there at once when the truncation is met', async (t) => {
    const world = await Case.open(t);
    const fd = openSync(world.path('a.log'), 'w');
    writeSync(fd, many('old').join(''));
    await world.start();
    await world.arrived('old 199\n');
    world.agent.pause();
    world.truncate('a.log');
    writeSync(fd, 'new 0\n');
    closeSync(fd);
    world.agent.resume();
    const size = many('old').join('').length;
    await world.expect([life('a.log', many('old')), life('a.log', ['new 0\n'], size)]);
  });

  for (const end of ['stop', 'kill'] as const) {
    for (const [how, count] of [
      ['shorter than', 3],
      ['longer than', 300],
    ] as const) {
      test(`case 11: copytruncate while the agent is down (${end}), then ${how} its position`, async (t) => {
        const world = await Case.open(t, { path: '*.log' });
        world.write('a.log', many('one').join(''));
        await world.start();
        await world.arrived('one 199\n');
        await delay(600); // the acknowledgement is committed, and the position with it
        if (end === 'stop') await world.stop();
        else await world.agent.kill();
        world.copy('a.log', 'a.log.1');
        world.truncate('a.log');
        world.append('a.log', lines('two', 0, count).join(''));
        await world.start();
        assert.equal(world.agent.events('file_unproven').length, 1);
        await world.expect([life('a.log', many('one')), life('a.log', lines('two', 0, count))]);
      });
    }
  }

  test('case 11: truncated while the agent is down, then longer than its position with the same first 2 KiB', async (t) => {
    const world = await Case.open(t);
    const banner = Array<string>(300).fill('banner\n');
    world.write('a.log', [...banner, ...many('one')].join(''));
    await world.start();
    await world.arrived('one 199\n');
    await world.stop();
    world.truncate('a.log');
    world.append('a.log', [...banner, ...lines('two', 0, 300)].join(''));
    await world.start();
    await world.expect([
      life('a.log', [...banner, ...many('one')]),
      life('a.log', [...banner, ...lines('two', 0, 300)]),
    ]);
  });

  test('case 11: the unread tail of a copytruncate while the agent is down comes from the copy, under new ids', async (t) => {
    const world = await Case.open(t, { path: '*.log*' });
    world.write('a.log', lines('x', 0, 3).join(''));
    await world.start();
    await world.arrived('x 2\n');
    await delay(600);
    await world.agent.kill();
    world.append('a.log', 'x 3\n');
    world.copy('a.log', 'a.log.1');
    world.truncate('a.log');
    world.append('a.log', 'next 0\n');
    await world.start();
    await world.expect([
      life('a.log', lines('x', 0, 3)),
      life('a.log.1', lines('x', 0, 4)), // docs/delivery.md: copied to another inode while the agent was down
      life('a.log', ['next 0\n']),
    ]);
  });
});
