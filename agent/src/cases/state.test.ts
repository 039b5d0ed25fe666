import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { Case, life, lines } from '../testing/case.ts';

const down = { do: 'fail', status: 500, code: 'InternalFailure' } as const;

/** A world whose agent has shipped ten lines and is gone. */
async function shipped(world: Case, end: 'stop' | 'kill' = 'stop'): Promise<void> {
  world.write('a.log', lines('x', 0, 10).join(''));
  await world.start();
  await world.arrived('x 9\n');
  await delay(600);
  if (end === 'stop') await world.stop();
  else await world.agent.kill();
}

function lose(world: Case): void {
  for (const name of readdirSync(world.state))
    if (name.startsWith('positions')) rmSync(join(world.state, name));
}

describe('the position store', { concurrency: 6 }, () => {
  for (const [what, damage] of [
    ['garbage', (path: string) => writeFileSync(path, 'not a database at all'.repeat(500))],
    ['half-written', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2) - 100)],
  ] as const) {
    test(`case 21: ${what}: the agent says what to do instead of shipping from anywhere`, async (t) => {
      const world = await Case.open(t);
      await shipped(world);
      damage(join(world.state, 'positions.db'));
      const agent = world.launch();
      assert.equal(await agent.exited(), 1);
      assert.match(agent.complaints.join('\n'), /positions\.db.*move the file away/s);
      assert.deepEqual(world.lives(), [life('a.log', lines('x', 0, 10))]);
      lose(world);
      world.append('a.log', 'x 10\n');
      await world.start();
      await world.expect([life('a.log', lines('x', 0, 10)), life('a.log', lines('x', 0, 11))]);
    });
  }

  test('case 21: a schema of another version is refused', async (t) => {
    const world = await Case.open(t);
    await shipped(world);
    const db = new DatabaseSync(join(world.state, 'positions.db'));
    db.exec("UPDATE meta SET value = '99' WHERE key = 'schema'");
    db.close();
    const agent = world.launch();
    assert.equal(await agent.exited(), 1);
    assert.match(agent.complaints.join('\n'), /schema 99/);
  });

  test('case 21: a file that is stored twice is read once', async (t) => {
    const world = await Case.open(t);
    await shipped(world);
    const db = new DatabaseSync(join(world.state, 'positions.db'));
    const columns = db
      .prepare('SELECT * FROM generation LIMIT 1')
      .columns()
      .map((column) => column.name);
    const others = columns.filter((column) => column !== 'id').join(', ');
    db.exec(`INSERT INTO generation (id, ${others}) SELECT randomblob(16), ${others} FROM generation`);
    db.close();
    world.append('a.log', 'x 10\n');
    await world.start();
    await world.arrived('x 10\n');
    await delay(300);
    await world.stop();
    assert.deepEqual(world.texts(), lines('x', 0, 11));
  });

  test('case 21: its last transactions are lost: nothing is missing', async (t) => {
    const world = await Case.open(t);
    await shipped(world, 'kill');
    truncateSync(join(world.state, 'positions.db-wal'), 0);
    world.append('a.log', 'x 10\n');
    await world.start();
    await world.arrived('x 10\n');
    await delay(300);
    await world.stop();
    assert.deepEqual(new Set(world.texts()), new Set(lines('x', 0, 11)));
  });

  test('case 21: gone: everything once more under new ids', async (t) => {
    const world = await Case.open(t);
    await shipped(world);
    lose(world);
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 10)), life('a.log', lines('x', 0, 10))]);
  });
});

describe('what the outbox holds', { concurrency: 6 }, () => {
  for (const end of ['stop', 'kill'] as const) {
    test(`case 22: unacknowledged at the end (${end}): sent again as it was, what was acknowledged not`, async (t) => {
      const world = await Case.open(t, { match: ['drain_timeout 0.3s'] });
      world.write('a.log', lines('x', 0, 10).join(''));
      await world.start();
      await world.arrived('x 9\n');
      await delay(200);
      world.stream.always = down;
      world.append('a.log', lines('x', 10, 20).join(''));
      await world.saw('request_failed', 2);
      const sent = world.stream.calls.at(-1)?.records[0]?.data ?? Buffer.alloc(0);
      if (end === 'kill') await world.agent.kill();
      else assert.equal(await world.agent.stop(), 1, 'not everything is acknowledged');
      if (end === 'stop') assert.equal(world.agent.events('drain_deadline').length, 1);
      world.append('a.log', lines('x', 20, 30).join(''));
      world.stream.always = { do: 'accept' };
      await world.start();
      await world.expect([life('a.log', lines('x', 0, 30))]);
      assert.equal(world.stream.blocks.filter((block) => block.equals(sent)).length, 1);
      assert.equal(new Set(world.stream.blocks.map(blockId)).size, world.stream.blocks.length, 'none twice');
    });
  }

  test('case 22: kill -9 between storing and the answer: the same block twice, each line once', async (t) => {
    const world = await Case.open(t);
    world.stream.script.push({ do: 'hang', stored: true });
    world.write('a.log', lines('x', 0, 10).join(''));
    await world.start();
    await world.arrived('x 9\n');
    await world.agent.kill();
    world.append('a.log', 'x 10\n');
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 11))]);
    const [first, second] = world.stream.blocks;
    assert.deepEqual(first, second, 'byte for byte');
  });

  test('case 22: kill -9 again and again in the middle of a backlog', async (t) => {
    const world = await Case.open(t, { match: ['batch_request_max_count 1'] });
    const texts = lines('a line that is not very long', 0, 1_000_000);
    world.write('a.log', texts.join(''));
    world.stream.always = { do: 'slow', ms: 300 };
    for (let i = 0; i < 5; i++) {
      const before = world.stream.blocks.length;
      world.launch();
      await world.until(() => world.stream.blocks.length > before + (i % 3), 'the next blocks');
      await world.agent.kill();
    }
    world.stream.always = { do: 'accept' };
    await world.start();
    await world.expect([life('a.log', texts)]);
  });

  test('case 25: a corrupt slot at the start: its lines are read again', async (t) => {
    const world = await Case.open(t);
    world.stream.always = down;
    world.write('a.log', lines('x', 0, 100).join(''));
    await world.start();
    await world.saw('request_failed');
    await world.agent.kill();
    corruptSlots(world);
    world.stream.always = { do: 'accept' };
    world.append('a.log', 'x 100\n');
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 101))]);
    assert.equal(world.agent.events('slot_torn').length, 1);
  });

  test('case 25: a corrupt slot whose file is gone: the others go on, the loss has a name', async (t) => {
    const world = await Case.open(t);
    world.stream.always = down;
    const texts = lines('x', 0, 100);
    world.write('a.log', texts.join(''));
    await world.start();
    await world.saw('request_failed');
    await world.agent.kill();
    corruptSlots(world);
    world.remove('a.log');
    world.write('b.log', 'b 0\n');
    world.stream.always = { do: 'accept' };
    await world.start();
    await world.expect([life('b.log', ['b 0\n'])]);
    const [lost] = world.agent.events('interval_lost');
    assert.deepEqual([lost?.from, lost?.to], [0, texts.join('').length]);
  });
});

/** Flips a byte of every slot's content, behind the file's header. */
function corruptSlots(world: Case): void {
  const path = join(world.state, 'outbox.slots');
  const bytes = readFileSync(path);
  for (let at = 4096; at < Math.min(bytes.length, 1024 * 1024); at += 4096)
    bytes[at + 20] = ~(bytes[at + 20] ?? 0);
  writeFileSync(path, bytes);
}
