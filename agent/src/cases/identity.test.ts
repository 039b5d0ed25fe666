import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Case, life, lines } from '../testing/case.ts';

/** Deletes and makes files anew until one has the inode of the one before; false on file systems that never do. */
function recreate(world: Case, name: string, text: string): boolean {
  const { ino } = statSync(world.path(name));
  world.remove(name);
  for (let i = 0; i < 50; i++) {
    world.write(name, text);
    if (statSync(world.path(name)).ino === ino) return true;
    world.rename(name, `spare ${i}`);
  }
  world.write(name, text);
  return false;
}

describe('which file is which', { concurrency: 6 }, () => {
  for (const count of [2, 300]) {
    test(`case 12: deleted and made anew under its inode while the agent runs, ${count} lines`, async (t) => {
      const world = await Case.open(t, { source: ['rotate_wait 0.2s'] });
      world.write('a.log', lines('one', 0, 100).join(''));
      await world.start();
      await world.arrived('one 99\n');
      world.agent.pause();
      recreate(world, 'a.log', lines('two', 0, count).join(''));
      world.agent.resume();
      await world.expect([life('a.log', lines('one', 0, 100)), life('a.log', lines('two', 0, count))]);
    });

    for (const end of ['stop', 'kill'] as const) {
      test(`case 12: deleted and made anew under its inode while the agent is down (${end}), ${count} lines`, async (t) => {
        const world = await Case.open(t);
        world.write('a.log', lines('one', 0, 100).join(''));
        await world.start();
        await world.arrived('one 99\n');
        await delay(600);
        if (end === 'stop') await world.stop();
        else await world.agent.kill();
        const reused = recreate(world, 'a.log', lines('two', 0, count).join(''));
        t.diagnostic(`the inode was ${reused ? '' : 'not '}reused`);
        await world.start();
        await world.expect([life('a.log', lines('one', 0, 100)), life('a.log', lines('two', 0, count))]);
      });
    }
  }

  test('case 12: made anew under its inode after the file was closed', async (t) => {
    const world = await Case.open(t, { source: ['rotate_wait 0.2s'] });
    const banner = 'the same banner in each life\n'.repeat(50);
    world.write('a.log', `${banner}one\n`);
    await world.start();
    await world.arrived('one\n');
    const { ino } = statSync(world.path('a.log'));
    world.remove('a.log');
    await world.saw('file_closed');
    world.write('a.log', `${banner}two\nthree\n`);
    t.diagnostic(`the inode was ${statSync(world.path('a.log')).ino === ino ? '' : 'not '}reused`);
    const head = banner.split(/(?<=\n)/);
    await world.expect([life('a.log', [...head, 'one\n']), life('a.log', [...head, 'two\n', 'three\n'])]);
  });

  for (const [name, head] of [
    ['first line', ['header of each file\n']],
    ['first 4 KiB', Array<string>(128).fill('the same 32 bytes, on each line\n')],
  ] as const) {
    test(`case 13: three files with an identical ${name} are three files, through a kill as well`, async (t) => {
      const world = await Case.open(t);
      const names = ['a.log', 'b.log', 'c.log'];
      for (const name of names) world.write(name, `${head.join('')}${name} 0\n`);
      await world.start();
      for (const name of names) await world.arrived(`${name} 0\n`);
      await delay(400);
      await world.agent.kill();
      for (const name of names) world.append(name, `${name} 1\n`);
      await world.start();
      await world.expect(names.map((name) => life(name, [...head, ...lines(name, 0, 2)])));
    });

    test(`case 13: a new file with the ${name} of a followed one is not taken for its copy`, async (t) => {
      const world = await Case.open(t);
      world.write('a.log', `${head.join('')}a 0\n`);
      await world.start();
      await world.arrived('a 0\n');
      world.write('b.log', head.join(''));
      await delay(300);
      world.append('b.log', 'b 0\n');
      world.append('a.log', 'a 1\n');
      await world.expect([life('a.log', [...head, 'a 0\n', 'a 1\n']), life('b.log', [...head, 'b 0\n'])]);
    });
  }

  test('case 13: a file of two bytes ships, and what proves it grows with it', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', 'x\n');
    await world.start();
    await world.arrived('x\n');
    const expected = ['x\n'];
    for (let i = 0; i < 4; i++) {
      await delay(300);
      if (i % 2) await world.stop();
      else await world.agent.kill();
      const more = lines(`round ${i}`, 0, 30);
      expected.push(...more);
      world.append('a.log', more.join(''));
      await world.start();
      await world.arrived(more.at(-1) ?? '');
    }
    await world.expect([life('a.log', expected)]);
    assert.deepEqual(
      world.agents.flatMap((agent) => agent.events('file_unproven')),
      [],
    );
  });

  test('case 13: a file without a byte has no identity yet', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', '');
    world.write('b.log', '');
    await world.start();
    world.append('b.log', 'b\n');
    world.append('a.log', 'a\n');
    await world.expect([life('a.log', ['a\n']), life('b.log', ['b\n'])]);
  });
});
