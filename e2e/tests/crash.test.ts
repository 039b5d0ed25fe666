import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from '../harness/archive.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { eventually, healthy, stackUnderTest } from '../harness/stack.ts';
import { killVictim, victims } from '../harness/victims.ts';

const stack = stackUnderTest();

/** Writes lines until it is told to stop, whatever happens to everything else. */
function startWriting(file: string, token: string): { expected: string[]; stop(): void } {
  const expected: string[] = [];
  const timer = setInterval(() => {
    const lines = Array.from({ length: 25 }, (_, i) => `${token} line ${expected.length + i}`);
    appendFileSync(file, `${lines.join('\n')}\n`);
    expected.push(...lines);
  }, 50);
  return { expected, stop: () => clearInterval(timer) };
}

test('kill -9 of every process, one after another, while lines are written: each line once, each byte archived', async () => {
  const folder = join(stack.logs, 'crash');
  mkdirSync(folder);
  const file = join(folder, 'app.log');
  const token = `crash${process.pid}`;
  const writer = startWriting(file, token);
  try {
    await delay(3000);
    for (const victim of victims) {
      await killVictim(stack, victim);
      await delay(4000);
      await healthy(stack);
      await delay(2000);
    }
  } finally {
    writer.stop();
  }
  await countReaches(stack, token, writer.expected.length, 240);
  await delay(5000); // a duplicate would come now
  await assertExactlyOnce(stack, token, writer.expected);
  const content = readFileSync(file);
  const archived = await eventually('every byte is archived', 90, async () => {
    const files = await readArchive(stack, (path) => path === file);
    return files.length === 1 && files[0] && files[0].bytes.length >= content.length
      ? files[0].bytes
      : undefined;
  });
  assert.ok(archived.equals(content), 'the archive has the bytes of the file');
});
