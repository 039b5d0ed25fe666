import assert from 'node:assert/strict';
import { chmodSync, linkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Case, life, lines } from '../testing/case.ts';

describe('links and what cannot be opened', { concurrency: 6 }, () => {
  for (const levels of [1, 2]) {
    test(`case 18: a symbolic link of ${levels} levels is turned to another file`, async (t) => {
      const world = await Case.open(t, { path: 'current.log' });
      const target = (name: string) => join(world.dir, name);
      writeFileSync(target('one'), lines('one', 0, 3).join(''));
      writeFileSync(target('two'), 'two 0\n');
      const link = levels === 1 ? world.path('current.log') : target('between');
      symlinkSync(target('one'), link);
      if (levels === 2) symlinkSync(link, world.path('current.log'));
      await world.start();
      await world.arrived('one 2\n');
      symlinkSync(target('two'), target('new link'));
      renameSync(target('new link'), link);
      await world.arrived('two 0\n');
      writeFileSync(target('two'), 'two 1\n', { flag: 'a' });
      await world.arrived('two 1\n');
      await world.expect([life('current.log', lines('one', 0, 3)), life('current.log', lines('two', 0, 2))]);
    });
  }

  test('case 18: turned away and back, the file is read on', async (t) => {
    const world = await Case.open(t, { path: 'current.log', source: ['rotate_wait 0.2s'] });
    const target = (name: string) => join(world.dir, name);
    const turn = (name: string) => {
      symlinkSync(target(name), target('new link'));
      renameSync(target('new link'), world.path('current.log'));
    };
    for (const name of ['one', 'two']) writeFileSync(target(name), `${name} 0\n`);
    turn('one');
    await world.start();
    await world.arrived('one 0\n');
    turn('two');
    await world.arrived('two 0\n');
    await world.saw('file_closed');
    writeFileSync(target('one'), 'one 1\n', { flag: 'a' });
    turn('one');
    await world.expect([life('current.log', lines('one', 0, 2)), life('current.log', ['two 0\n'])]);
  });

  test('case 18: several links to one file, hard and symbolic, are one file', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', 'x 0\n');
    linkSync(world.path('a.log'), world.path('b.log'));
    symlinkSync(world.path('a.log'), world.path('c.log'));
    await world.start();
    await world.arrived('x 0\n');
    world.append('b.log', 'x 1\n');
    await world.arrived('x 1\n');
    world.remove('a.log');
    await delay(400);
    world.append('b.log', 'x 2\n');
    await world.arrived('x 2\n');
    await world.stop();
    const all = world.lives();
    assert.equal(all.length, 1, JSON.stringify(all));
    assert.deepEqual(all[0]?.records, life('', lines('x', 0, 3)).records);
  });

  test('case 20: a file that may not be read, until it may', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', lines('a', 0, 2).join(''));
    world.write('b.log', 'b 0\n');
    chmodSync(world.path('a.log'), 0o000);
    world.launch([], true);
    await world.arrived('b 0\n');
    await world.saw('file_unreadable');
    chmodSync(world.path('a.log'), 0o644);
    await world.expect([life('a.log', lines('a', 0, 2)), life('b.log', ['b 0\n'])]);
    assert.equal(world.agent.events('file_unreadable').length, 1, 'it is said once');
  });

  test('case 20: files and links that vanish between being seen and being opened', async (t) => {
    const world = await Case.open(t);
    world.write('a.log', 'a 0\n');
    await world.start();
    for (let i = 0; i < 300; i++) {
      world.write(`flash ${i % 7}.log`, '');
      if (i % 3 === 0) symlinkSync(world.path('nowhere'), world.path(`link ${i}.log`));
      if (i % 20 === 0) await delay(20);
      world.remove(`flash ${i % 7}.log`);
      if (i % 3 === 0) world.remove(`link ${i}.log`);
    }
    world.append('a.log', 'a 1\n');
    await world.expect([life('a.log', lines('a', 0, 2))]);
  });
});

/** The texts that the stream has, sorted: what is the same content may be of either generation. */
const sorted = (world: Case) => world.texts().toSorted();

describe('rotation with compression', { concurrency: 6 }, () => {
  for (const [suffix, compress] of [
    ['gz', gzipSync],
    ['zst', zstdCompressSync],
  ] as const) {
    const pack = (world: Case, texts: string[], name: string) =>
      world.write(name, compress(Buffer.from(texts.join(''))));

    test(`case 19: .${suffix} of a rotated file that was read: nothing twice`, async (t) => {
      const world = await Case.open(t, { path: '*.log*' });
      const texts = lines('x', 0, 500);
      world.write('a.log', texts.join(''));
      await world.start();
      await world.arrived('x 499\n');
      world.rename('a.log', 'a.log.1');
      world.write('a.log', 'next 0\n');
      await world.arrived('next 0\n');
      pack(world, texts, `a.log.1.${suffix}`);
      world.remove('a.log.1');
      await delay(1_500);
      await world.stop();
      assert.deepEqual(sorted(world), [...texts, 'next 0\n'].sort());
      await world.start();
      await delay(500);
      await world.stop();
      assert.deepEqual(sorted(world), [...texts, 'next 0\n'].sort(), 'nor after a restart');
    });

    test(`case 19: .${suffix} made while the agent was down: the unread tail comes from it, the rest not again`, async (t) => {
      const world = await Case.open(t, { path: '*.log*' });
      const texts = lines('x', 0, 500);
      world.write('a.log', texts.slice(0, 300).join(''));
      await world.start();
      await world.arrived('x 299\n');
      await delay(600);
      await world.agent.kill();
      pack(world, texts, `a.log.1.${suffix}`);
      world.remove('a.log');
      world.write('a.log', 'next 0\n');
      await world.start();
      await world.arrived('x 499\n');
      await world.arrived('next 0\n');
      await delay(500);
      await world.stop();
      assert.deepEqual(sorted(world), [...texts, 'next 0\n'].sort());
    });

    test(`case 19: .${suffix} that was never plain is read as text, also one of two members`, async (t) => {
      const world = await Case.open(t, { path: '*.log*' });
      const texts = lines('x', 0, 500);
      const members = [texts.slice(0, 200), texts.slice(200)].map((part) =>
        compress(Buffer.from(part.join(''))),
      );
      world.write(`old.log.${suffix}`, Buffer.concat(members));
      await world.start();
      await world.expect([life(`old.log.${suffix}`, texts)]);
    });
  }
});
