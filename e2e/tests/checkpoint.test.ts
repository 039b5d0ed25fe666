import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from '../harness/archive.ts';
import { lastSequenceNumbers, leaseCheckpoints, leaseOwners } from '../harness/leases.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { eventually, healthy, stackUnderTest } from '../harness/stack.ts';
import { stackFamily, Worker } from '../harness/worker.ts';

const stack = stackUnderTest();

test('a shard that has gone quiet is checkpointed to its last record within a minute', async () => {
  const token = `quiet${process.pid}`;
  appendFileSync(join(stack.logs, 'quiet.log'), `${token} the last line\n`);
  await countReaches(stack, token, 1, 60);
  const last = await lastSequenceNumbers(stack);
  await eventually('the checkpoints are at the last records', 60, async () => {
    const checkpoints = await leaseCheckpoints(stack);
    return [...last].every(([shard, sequence]) => checkpoints.get(shard) === sequence) ? true : undefined;
  });
});

test('a worker that was paused while another took its shards destroys nothing when it wakes up', async (t) => {
  const folder = join(stack.logs, 'zombie');
  mkdirSync(folder);
  const file = join(folder, 'app.log');
  const token = `zombie${process.pid}`;
  const expected: string[] = [];
  const write = (count: number) => {
    const lines = Array.from({ length: count }, (_, i) => `${token} line ${expected.length + i}`);
    expected.push(...lines);
    appendFileSync(file, `${lines.join('\n')}\n`);
  };
  write(50);
  await countReaches(stack, token, 50, 60);
  const owners = await leaseOwners(stack);

  // The whole old worker stands still in the middle of an object: consumer, daemon and children.
  const family = await stackFamily(stack);
  write(50);
  await delay(700);
  for (const pid of family) process.kill(pid, 'SIGSTOP');
  const second = new Worker(stack, 'second-worker');
  t.after(() => second.kill());
  second.start();
  try {
    write(100);
    await eventually('the second worker has taken every shard', 120, async () => {
      const now = await leaseOwners(stack);
      return [...now].every(([shard, owner]) => owner !== '' && owner !== owners.get(shard))
        ? true
        : undefined;
    });
    write(100);
    await countReaches(stack, token, expected.length, 60);
  } finally {
    for (const pid of family) process.kill(pid, 'SIGCONT');
  }
  await delay(8000);
  write(100);
  await countReaches(stack, token, expected.length, 60);
  assert.equal(await second.stop(), 0);
  await healthy(stack);
  write(50);
  await countReaches(stack, token, expected.length, 120);
  await assertExactlyOnce(stack, token, expected);
  const content = readFileSync(file);
  await eventually('every byte is archived', 60, async () => {
    const [found] = await readArchive(stack, (path) => path === file);
    return found && found.bytes.length >= content.length ? found.bytes : undefined;
  }).then((bytes) => assert.ok(bytes.equals(content)));
});
