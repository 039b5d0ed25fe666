import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { listKeys, readArchive } from '../harness/archive.ts';
import { leaseCheckpoints } from '../harness/leases.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { endpoint, eventually, healthy, millrace, pidOf, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();

test('with the store down, archive and checkpoints go on; back again, the filler makes search whole', async () => {
  const folder = join(stack.logs, 'store-down');
  mkdirSync(folder);
  const file = join(folder, 'app.log');
  const token = `storedown${process.pid}`;
  const expected: string[] = [];
  const write = (count: number) => {
    const lines = Array.from({ length: count }, (_, i) => `${token} line ${expected.length + i}`);
    expected.push(...lines);
    appendFileSync(file, `${lines.join('\n')}\n`);
  };
  write(100);
  await countReaches(stack, token, 100, 60);
  const before = await leaseCheckpoints(stack);
  const store = await pidOf(stack, 'opensearch');
  process.kill(store, 'SIGSTOP');
  try {
    // Longer than live indexing holds on (15 s here), so that only the filler can complete search.
    for (let second = 0; second < 60; second++) {
      write(200);
      await delay(1000);
    }
    const archived = await eventually('the archive goes on', 60, async () => {
      const [found] = await readArchive(stack, (path) => path === file);
      const lines = found?.bytes.toString().split('\n').length ?? 0;
      return lines > expected.length - 1000 ? lines : undefined;
    });
    assert.ok(archived > 0);
    const after = await leaseCheckpoints(stack);
    assert.ok(
      [...after].every(([shard, checkpoint]) => BigInt(checkpoint) > BigInt(before.get(shard) ?? '0')),
      `checkpoints moved: ${JSON.stringify([...before])} to ${JSON.stringify([...after])}`,
    );
    assert.ok(await givenUp(), 'live indexing gave up, so that the rest is the work of the filler');
  } finally {
    process.kill(store, 'SIGCONT');
  }
  await healthy(stack);
  await countReaches(stack, token, expected.length, 180);
  await assertExactlyOnce(stack, token, expected);
  await eventually('every object has its mark', 60, async () => {
    const keys = await listKeys(stack);
    const response = await fetch(`${endpoint(stack, 'opensearch')}/millrace_marks/_count`);
    const { count } = (await response.json()) as { count: number };
    return count >= keys.length ? true : undefined;
  });
  const { code, stderr } = await millrace('fill', '--once', '--data', stack.dataDir);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /, 0 without a mark/);
});

/** Whether a shard has given up live indexing, by the consumer's metrics. */
async function givenUp(): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${stack.portBase + 7}/metrics`);
  const text = await response.text();
  return /^millrace_shard_index_given_up_total\{.*\} [1-9]/m.test(text);
}
