import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Case, life, lines } from '../testing/case.ts';
import { recordsOf } from '../testing/received.ts';

describe('large files and many', { concurrency: 6 }, () => {
  test('case 23: a file grows over 2 GiB, with a kill on the way', async (t) => {
    const world = await Case.open(t, { source: ['read_from_head false'] });
    const from = 2 ** 31 - 30;
    const fd = openSync(world.path('a.log'), 'w');
    ftruncateSync(fd, from - 1);
    writeSync(fd, '\n', from - 1);
    closeSync(fd);
    await world.start();
    await world.saw('file_found');
    world.append('a.log', lines('x', 0, 5).join(''));
    await world.arrived('x 4\n');
    await delay(600);
    await world.agent.kill();
    world.append('a.log', lines('x', 5, 10).join(''));
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 10), from)]);
  });

  test('case 23: a deleted file is let go of although nothing says so', async (t) => {
    const world = await Case.open(t, { source: ['rotate_wait 0.3s'] });
    for (const name of ['a.log', 'b.log']) world.write(name, `${name}\n`);
    await world.start();
    await world.arrived('b.log\n');
    const held = () =>
      readdirSync(`/proc/${world.agent.pid}/fd`).filter((fd) => {
        try {
          return readlinkSync(`/proc/${world.agent.pid}/fd/${fd}`).startsWith(world.logs);
        } catch {
          return false; // closed while they were listed
        }
      }).length;
    assert.equal(held(), 2);
    world.remove('a.log');
    await world.until(() => held() === 1, 'the deleted file is closed');
    await world.expect([life('a.log', ['a.log\n']), life('b.log', ['b.log\n'])]);
  });

  test('case 25: lines come without any change that a folder shows', async (t) => {
    const world = await Case.open(t, { source: ['refresh_interval 60s'] });
    world.write('a.log', 'x 0\n');
    const fd = openSync(world.path('a.log'), 'a');
    await world.start();
    for (let i = 1; i < 4; i++) {
      await delay(300);
      writeSync(fd, `x ${i}\n`);
      await world.arrived(`x ${i}\n`);
    }
    closeSync(fd);
    await world.expect([life('a.log', lines('x', 0, 4))]);
  });

  test('case 25: a hot file does not starve the others', async (t) => {
    const world = await Case.open(t);
    world.stream.always = { do: 'slow', ms: 50 };
    const hot = lines('a line of the hot file, long enough to fill blocks quickly', 0, 400_000);
    world.write('a hot.log', hot.join(''));
    for (let i = 0; i < 20; i++) world.write(`quiet ${i}.log`, `quiet ${i}\n`);
    await world.start();
    await world.arrived('a line of the hot file, long enough to fill blocks quickly 399999\n');
    const order = recordsOf(world.stream.blocks).map((record) => record.text);
    const lastQuiet = order.findLastIndex((text) => text.startsWith('quiet'));
    assert.ok(
      lastQuiet >= 0 && lastQuiet < order.length / 2,
      `quiet lines came at ${lastQuiet} of ${order.length}`,
    );
    await world.expect([
      life('a hot.log', hot),
      ...Array.from({ length: 20 }, (_, i) => life(`quiet ${i}.log`, [`quiet ${i}\n`])),
    ]);
  });
});
