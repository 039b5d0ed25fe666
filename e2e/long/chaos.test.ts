import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from '../harness/archive.ts';
import { faults, proxied, setWeather } from '../harness/fault-proxy.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { reshard } from '../harness/shards.ts';
import { eventually, healthy, stackUnderTest } from '../harness/stack.ts';
import { killVictim, pauseVictim, victims } from '../harness/victims.ts';

const stack = stackUnderTest();
const minutes = Number(process.env.MILLRACE_TEST_MINUTES ?? 10);
const seed = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 2 ** 31);
/** A copytruncate is safe this long after the agent was disturbed (docs/delivery.md). */
const calmMs = 15_000;
const shardsMax = 5;

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

class Chaos {
  readonly #choose = chooser(seed);
  readonly #folder = join(stack.logs, 'chaos');
  readonly #files: string[];
  readonly token = `chaos${process.pid}`;
  readonly lines: string[] = [];
  readonly done = new Map<string, number>();
  #calmAt = 0;
  #rotations = 0;

  constructor() {
    mkdirSync(this.#folder);
    this.#files = Array.from({ length: 5 }, (_, i) => join(this.#folder, `app-${i}.log`));
    for (const file of this.#files) writeFileSync(file, '');
  }

  write(): void {
    const count = 1 + this.#choose(60);
    const lines = Array.from({ length: count }, (_, i) => `${this.token} ${this.lines.length + i}`);
    appendFileSync(this.#pick(this.#files), `${lines.join('\n')}\n`);
    this.lines.push(...lines);
  }

  /** One thing that goes wrong. */
  async step(): Promise<void> {
    await delay(500 + this.#choose(4_000));
    if (this.#choose(2) === 0) await this.#rotate();
    const luck = this.#choose(100);
    if (luck < 45) await this.#kill();
    else if (luck < 60) await this.#pause();
    else if (luck < 88) await this.#disturb();
    else if (luck < 94) await this.#fillDisk();
    else await this.#reshard();
  }

  /** Nothing is wrong any more. */
  async calm(): Promise<void> {
    for (const part of proxied) await setWeather(this.#port(part), undefined);
    await healthy(stack, 300);
  }

  async #rotate(): Promise<void> {
    const file = this.#pick(this.#files);
    if (performance.now() > this.#calmAt && this.#choose(2) === 0) {
      this.#count('copytruncate');
      copyFileSync(file, `${file}.${this.#rotations++}`);
      truncateSync(file);
      await delay(1500);
    } else {
      this.#count('rename');
      renameSync(file, `${file}.${this.#rotations++}`);
      writeFileSync(file, '');
    }
  }

  async #kill(): Promise<void> {
    const victim = this.#pick([...victims]);
    this.#count(`kill ${victim}`);
    if (victim === 'agent') this.#agentDisturbed();
    await killVictim(stack, victim);
  }

  async #pause(): Promise<void> {
    const victim = this.#pick([...victims]);
    const ms = 500 + this.#choose(15_000);
    this.#count(`pause ${victim}`);
    if (victim === 'agent') this.#agentDisturbed(ms);
    await pauseVictim(stack, victim, ms);
  }

  async #disturb(): Promise<void> {
    const part = this.#pick([...proxied]);
    const fault = this.#pick([...faults]);
    this.#count(`${fault} ${part}`);
    await setWeather(this.#port(part), { fault, share: (1 + this.#choose(10)) / 10 });
    await delay(1_000 + this.#choose(12_000));
    await setWeather(this.#port(part), undefined);
  }

  /** The agent ships from memory for as long as its disk is full; a crash would then double (docs/delivery.md). */
  async #fillDisk(): Promise<void> {
    const { smallDisk } = stack;
    if (smallDisk === undefined) return;
    this.#count('full disk');
    const ms = 1_000 + this.#choose(10_000);
    this.#agentDisturbed(ms);
    const filler = join(smallDisk, 'filler');
    try {
      const { bavail, bsize } = statfsSync(smallDisk);
      for (let left = bavail * bsize; left > 0; left -= 2 ** 20)
        appendFileSync(filler, Buffer.alloc(Math.min(left, 2 ** 20)));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
    await delay(ms);
    rmSync(filler);
    await delay(5_000);
  }

  async #reshard(): Promise<void> {
    const what = await eventually('the stream answers', 120, () =>
      reshard(stack, shardsMax, this.#choose),
    ).catch((error: Error) => `no reshard: ${error.message}`);
    this.#count(what.replace(/ shardId.*/, ''));
  }

  #agentDisturbed(ms = 0): void {
    this.#calmAt = performance.now() + ms + calmMs;
  }

  #port(part: (typeof proxied)[number]): number {
    if (stack.faults === undefined) throw new Error('the stack was started without proxies');
    return stack.faults + proxied.indexOf(part);
  }

  #count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }

  #pick<T>(items: T[]): T {
    return items[this.#choose(items.length)] as T;
  }
}

test(`${minutes} minutes of kills, pauses, faults, full disks, rotations and resharding: every line once`, async (t) => {
  t.diagnostic(`seed ${seed} (MILLRACE_TEST_SEED repeats its choices)`);
  const chaos = new Chaos();
  const writer = setInterval(() => chaos.write(), 50);
  try {
    for (const end = performance.now() + minutes * 60_000; performance.now() < end; ) await chaos.step();
  } finally {
    clearInterval(writer);
  }
  t.diagnostic(
    [...chaos.done]
      .map(([what, count]) => `${what} ${count}`)
      .sort()
      .join(', '),
  );
  await chaos.calm();
  const { token, lines } = chaos;
  await countReaches(stack, token, lines.length, 600);
  await delay(10_000); // a duplicate would come now
  const hits = await assertExactlyOnce(stack, token, lines);
  assert.equal(hits.length, lines.length);
  const archived = await eventually('every line is archived', 180, async () => {
    const files = await readArchive(stack, (path) => path.includes('/chaos/'));
    const found = files.flatMap(({ bytes }) => bytes.toString().split('\n')).filter((line) => line !== '');
    return found.length >= lines.length ? found.sort() : undefined;
  });
  assert.deepEqual(archived, [...lines].sort());
  t.diagnostic(`${lines.length} lines: each once in search, each once in the archive`);
});
