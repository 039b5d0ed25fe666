import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from './archive.ts';
import { assertExactlyOnce, countReaches } from './search.ts';
import { eventually, type StackUnderTest } from './stack.ts';

/** Lines that are written while a test does what it does. */
export interface SteadyWriter {
  /** In each of its lines and in no other. */
  token: string;
  files: string[];
  /** What was written until now. */
  expected: string[];
  stop(): void;
}

/** Writes 200 lines a second into two files until it is told to stop, or the test ends. */
export function startWriting(t: TestContext, stack: StackUnderTest, name: string): SteadyWriter {
  const folder = join(stack.logs, name);
  mkdirSync(folder);
  const token = `${name}${process.pid}`;
  const files = ['a.log', 'b.log'].map((file) => join(folder, file));
  const expected: string[] = [];
  const timer = setInterval(() => {
    for (const file of files) {
      const lines = Array.from({ length: 10 }, (_, i) => `${token} line ${expected.length + i}`);
      appendFileSync(file, `${lines.join('\n')}\n`);
      expected.push(...lines);
    }
  }, 100);
  const stop = () => clearInterval(timer);
  t.after(stop);
  return { token, files, expected, stop };
}

/** Of a writer that was stopped: every line once in search, in each file by offset, every byte in the archive. */
export async function assertAccounted(stack: StackUnderTest, writer: SteadyWriter): Promise<void> {
  const { token, files, expected } = writer;
  await countReaches(stack, token, expected.length, 120);
  await delay(5000); // a duplicate would come now
  const hits = await assertExactlyOnce(stack, token, expected);
  for (const file of files) {
    const inOrder = hits.filter((hit) => hit.file === file).sort((a, b) => a.offset - b.offset);
    const content = readFileSync(file);
    const found = inOrder.map((hit) => hit.message);
    assert.deepEqual(found, content.toString().trimEnd().split('\n'), `${file} by offset`);
    await eventually(`every byte of ${file} is archived`, 120, async () => {
      const archived = await readArchive(stack, (path) => path === file);
      return archived.length === 1 && archived[0]?.bytes.equals(content) ? true : undefined;
    });
  }
}
