import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { healthy, stackUnderTest } from '../harness/stack.ts';
import { killVictim, type Victim, victims } from '../harness/victims.ts';

const stack = stackUnderTest();
const minutes = 10;
const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);

/** Deterministic choices, so that a seed repeats them. */
function chooser(start: number): (count: number) => number {
  let state = start || 1;
  return (count) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % count;
  };
}

test(`${minutes} minutes of random kills and rotations: every line once`, async (t) => {
  t.diagnostic(`seed ${seed} (MILLRACE_TEST_SEED repeats its choices)`);
  const choose = chooser(seed);
  const folder = join(stack.logs, 'chaos');
  mkdirSync(folder);
  const files = Array.from({ length: 5 }, (_, i) => join(folder, `app-${i}.log`));
  for (const file of files) writeFileSync(file, '');
  const token = `chaos${process.pid}`;
  const expected: string[] = [];
  const write = (file: string, count: number) => {
    const lines = Array.from({ length: count }, (_, i) => `${token} ${expected.length + i}`);
    appendFileSync(file, `${lines.join('\n')}\n`);
    expected.push(...lines);
  };
  const writer = setInterval(() => write(files[choose(files.length)] ?? '', 1 + choose(60)), 50);
  const end = performance.now() + minutes * 60_000;
  let agentDownUntil = 0;
  let rotations = 0;
  try {
    while (performance.now() < end) {
      await delay(1000 + choose(6000));
      const file = files[choose(files.length)] ?? '';
      // A copytruncate while the agent is down may double lines (docs/delivery.md), so it happens while it runs.
      if (performance.now() > agentDownUntil && choose(2) === 0) {
        copyFileSync(file, `${file}.${rotations++}`);
        truncateSync(file);
        await delay(1500);
      } else if (choose(2) === 0) {
        renameSync(file, `${file}.${rotations++}`);
        writeFileSync(file, '');
      }
      const victim = victims[choose(victims.length)] as Victim;
      if (victim === 'agent') agentDownUntil = performance.now() + 15_000;
      await killVictim(stack, victim);
    }
  } finally {
    clearInterval(writer);
  }
  await healthy(stack, 240);
  await countReaches(stack, token, expected.length, 600);
  await delay(10_000);
  const hits = await assertExactlyOnce(stack, token, expected);
  assert.equal(hits.length, expected.length);
});
