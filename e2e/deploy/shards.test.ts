import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openShards } from '../harness/shards.ts';
import { eventually, healthy, millrace, root, stackUnderTest } from '../harness/stack.ts';
import { assertAccounted, startWriting } from '../harness/steady-writer.ts';

const stack = stackUnderTest();
const data = ['--data', stack.dataDir];

async function scale(count: number): Promise<void> {
  const { code, stdout, stderr } = await millrace('shards', 'scale', String(count), '--apply', ...data);
  assert.equal(code, 0, stdout + stderr);
  const open = await openShards(stack);
  const total = 2n ** 128n;
  const shares = open.map(({ HashKeyRange: keys }) => {
    const width = BigInt(keys?.EndingHashKey ?? 0) - BigInt(keys?.StartingHashKey ?? 0) + 1n;
    return Number((width * 1_000_000n) / total) / 1e6;
  });
  assert.equal(open.length, count);
  for (const share of shares) assert.ok(Math.abs(share * count - 1) < 0.01, `uneven: ${shares.join(' ')}`);
  assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 0.001, 'every key has a shard');
}

/** Begins to scale, and kills the command when it has done its first step. */
async function beginAndKill(count: number): Promise<void> {
  const cli = join(root, 'deploy/src/cli/main.ts');
  const child = spawn(process.execPath, [cli, 'shards', 'scale', String(count), '--apply', ...data], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stderr }))
    if (/^(SplitShard|MergeShards)/.test(line)) break;
  child.kill('SIGKILL');
  const [code, signal] = await exited;
  assert.deepEqual([code, signal], [null, 'SIGKILL'], 'it was killed in the middle');
}

/** `auto` towards 4, twice at the same time. They may both leave it to the other in the middle: the next command goes on. */
async function autoAtOnce(): Promise<void> {
  const auto = () =>
    millrace('shards', 'auto', '--apply', '--min', '4', '--max', '4', '--cooldown', '0', '--json', ...data);
  for (const { code, stdout, stderr } of await Promise.all([auto(), auto()])) {
    assert.ok(code === 0 || code === 5, stdout + stderr);
    assert.equal(JSON.parse(stdout).exit, code);
  }
  await scale(4);
}

interface Status {
  open: number;
  even: boolean;
  following: boolean;
  closing: number;
  shards: { open: boolean; consumer: string }[];
}

async function status(): Promise<Status> {
  const { stdout, stderr } = await millrace('shards', 'status', '--json', ...data);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Status;
}

test('2 shards become 5, in spite of a kill -9, 3, and 4 by two auto at once, while lines are written: each line once, each byte archived', async (t) => {
  await healthy(stack);
  await scale(2);
  const writer = startWriting(t, stack, 'shards');
  await delay(3_000);
  const dry = await millrace('shards', 'scale', '5', ...data);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /2 shards now; with --apply, towards 5:\n {2}SplitShard/);
  assert.equal((await openShards(stack)).length, 2, 'it only told');

  await beginAndKill(5);
  await scale(5);
  await delay(5_000);
  await scale(3);
  await delay(5_000);
  await autoAtOnce();
  await delay(5_000);
  writer.stop();

  await assertAccounted(stack, writer);
  const seen = await eventually('status says that the consumer follows', 60, async () => {
    const now = await status();
    return now.following && now.closing === 0 ? now : undefined;
  });
  assert.deepEqual([seen.open, seen.even], [4, true]);
  const proposal = await millrace('shards', 'plan', '--json', ...data);
  assert.equal(proposal.code, 0, proposal.stderr);
  assert.equal(typeof JSON.parse(proposal.stdout).proposed, 'number');
  await healthy(stack);
});
