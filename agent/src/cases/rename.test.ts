import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Case, life, lines } from '../testing/case.ts';

describe('rotation by rename', { concurrency: 6 }, () => {
  for (const path of ['*.log', '*.log*']) {
    test(`case 1: the old file has an unread tail and is written to after its rename (${path})`, async (t) => {
      const world = await Case.open(t, { path });
      world.write('a.log', 'old 0\n');
      await world.start();
      await world.arrived('old 0\n');
      const old = openSync(world.path('a.log'), 'a');
      world.agent.pause();
      writeSync(old, 'old 1\nold 2\n');
      world.rename('a.log', 'a.log.1');
      world.write('a.log', 'new 0\n');
      writeSync(old, 'old 3\n');
      world.agent.resume();
      await world.arrived('new 0\n');
      writeSync(old, 'old 4\n');
      closeSync(old);
      world.append('a.log', 'new 1\n');
      await world.expect([life('a.log', lines('old', 0, 5)), life('a.log', lines('new', 0, 2))]);
    });
  }

  test('case 2: the file is renamed, no new one comes, and its writer goes on', async (t) => {
    const world = await Case.open(t, { path: 'a.log' });
    world.write('a.log', 'x 0\n');
    await world.start();
    await world.arrived('x 0\n');
    const fd = openSync(world.path('a.log'), 'a');
    world.rename('a.log', 'a.log.1');
    for (let i = 1; i < 5; i++) {
      writeSync(fd, `x ${i}\n`);
      await delay(400); // within rotate_wait of each other, together longer than it
    }
    closeSync(fd);
    await world.expect([life('a.log', lines('x', 0, 5))]);
  });

  test('case 3: a second rotation while the first is waited for', async (t) => {
    const world = await Case.open(t, { path: 'a.log', source: ['rotate_wait 3s'] });
    world.write('a.log', lines('x', 0, 2).join(''));
    await world.start();
    await world.arrived('x 1\n');
    for (const round of [1, 2]) {
      if (round === 2) world.rename('a.log.1', 'a.log.2');
      world.rename('a.log', 'a.log.1');
      world.write('a.log', lines('x', round * 2, round * 2 + 2).join(''));
      await delay(250);
    }
    await world.expect([0, 2, 4].map((from) => life('a.log', lines('x', from, from + 2))));
  });

  test('case 4: a scan falls between the rename and the new file', async (t) => {
    const world = await Case.open(t, { path: 'a.log' });
    world.write('a.log', 'old 0\n');
    await world.start();
    await world.arrived('old 0\n');
    world.append('a.log', 'old 1\n');
    world.rename('a.log', 'a.log.1');
    await delay(600);
    world.append('a.log.1', 'old 2\n');
    world.write('a.log', 'new 0\n');
    await world.arrived('new 0\n');
    world.append('a.log', 'new 1\n');
    await world.expect([life('a.log', lines('old', 0, 3)), life('a.log', lines('new', 0, 2))]);
  });

  test('case 4: the path comes back long after its file was closed', async (t) => {
    const world = await Case.open(t, { path: 'a.log', source: ['rotate_wait 0.3s'] });
    world.write('a.log', 'old 0\n');
    await world.start();
    await world.arrived('old 0\n');
    world.remove('a.log');
    await world.saw('file_closed');
    world.write('a.log', 'new 0\n');
    await world.expect([life('a.log', ['old 0\n']), life('a.log', ['new 0\n'])]);
  });

  test('case 5: the glob matches the rotated name: nothing is read again, not after a restart either', async (t) => {
    const world = await Case.open(t, { path: '*.log*' });
    world.write('a.log', lines('x', 0, 3).join(''));
    await world.start();
    await world.arrived('x 2\n');
    world.rename('a.log', 'a.log.1');
    await delay(500);
    await world.agent.kill();
    world.rename('a.log.1', 'a.log.2');
    await world.start();
    world.append('a.log.2', 'x 3\n');
    await world.expect([life('a.log', lines('x', 0, 4))]);
  });

  test('case 5: a file moved out of the pattern is read to its end beside the new one', async (t) => {
    const world = await Case.open(t, { path: '*.log' });
    world.write('a.log', 'old 0\n');
    await world.start();
    await world.arrived('old 0\n');
    world.agent.pause();
    world.append('a.log', lines('old', 1, 2000).join(''));
    world.rename('a.log', 'moved');
    world.write('a.log', lines('new', 0, 2000).join(''));
    world.agent.resume();
    await world.expect([life('a.log', lines('old', 0, 2000)), life('a.log', lines('new', 0, 2000))]);
  });

  test('case 6: the backlog of a rotated file takes longer than rotate_wait', async (t) => {
    const source = ['rotate_wait 0.2s'];
    const world = await Case.open(t, { path: 'a.log', source, match: ['outbox_size 2m'] });
    world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
    // Digits of random numbers: blocks stay large, so that the outbox is full long before the file is read.
    const texts = Array.from({ length: 120_000 }, () => `${Math.random()} ${Math.random()}\n`);
    world.write('a.log', texts.join(''));
    await world.start();
    await world.saw('outbox_full');
    world.rename('a.log', 'gone');
    await delay(1_500);
    world.remove('gone');
    world.stream.always = { do: 'accept' };
    await world.expect([life('a.log', texts)]);
  });

  test('case 10: moved away, truncated there, and moved back', async (t) => {
    const world = await Case.open(t, { path: 'a.log' });
    world.write('a.log', 'life one 0\nlife one 1\n');
    await world.start();
    await world.arrived('life one 1\n');
    world.rename('a.log', 'away');
    await delay(300);
    world.truncate('away');
    world.rename('away', 'a.log');
    world.append('a.log', 'life two 0\n');
    await world.arrived('life two 0\n');
    world.append('a.log', 'life two 1\n');
    await world.expect([life('a.log', lines('life one', 0, 2)), life('a.log', lines('life two', 0, 2))]);
  });
});
