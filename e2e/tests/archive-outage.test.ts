import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { listKeys } from '../harness/archive.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { eventually, healthy, millrace, pidOf, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('S3 hangs, then dies, while lines flow: search goes on, and then the archive has every byte', async (t) => {
  const file = join(stack.logs, 'outage.log');
  const token = `outage${process.pid}`;
  const expected: string[] = [];
  const write = (count: number) => {
    const lines = Array.from(
      { length: count },
      (_, i) => `${token} line ${expected.length + i} ${'x'.repeat(400)}`,
    );
    expected.push(...lines);
    appendFileSync(file, `${lines.join('\n')}\n`);
  };
  write(1_000);
  await countReaches(stack, token, expected.length, 60);
  await delay(4_000); // the first object is complete

  const pid = await pidOf(stack, 's3');
  t.after(() => {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // it was killed, as it should be
    }
  });
  process.kill(pid, 'SIGSTOP');
  for (let second = 0; second < 20; second++) {
    write(1_000);
    await delay(1_000);
  }
  await countReaches(stack, token, expected.length, 60);
  process.kill(pid, 'SIGKILL');
  await eventually('S3 is started again', 60, async () =>
    (await pidOf(stack, 's3')) === pid ? undefined : true,
  );
  write(1_000);
  await healthy(stack);

  const out = join(stack.dataDir, 'restored-outage');
  const args = [
    '--host',
    '*',
    '--file',
    file,
    '--out',
    `${out}/`,
    '--force',
    '--data',
    stack.dataDir,
    '--json',
  ];
  const restored = await eventually('the archive has the whole file', 120, async () => {
    const { code, stdout } = await millrace('archive', 'restore', ...args);
    const [life] = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
    return code === 0 && life?.sha256 === sha256(readFileSync(file)) ? life : undefined;
  });
  assert.equal(sha256(readFileSync(restored.file)), sha256(readFileSync(file)));
  await assertExactlyOnce(stack, token, expected);
  assert.ok((await listKeys(stack)).length > 0);
  const verified = await millrace('archive', 'verify', '--data', stack.dataDir);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});
