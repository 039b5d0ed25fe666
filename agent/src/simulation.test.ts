import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { FakeStream, until } from './testing/harness.ts';
import { generator } from './testing/virtual-clock.ts';

const durationMs = 8_000;
/** A copy is not known as one to an agent that ends before its next block is committed: docs/delivery.md. */
const copyDoubtMs = 1_000;

/** The writer, the rotators, and what the agent must deliver of their work. */
class World {
  readonly dir = mkdtempSync(join(tmpdir(), 'millrace-simulation-'));
  readonly random: () => number;
  readonly stream = new FakeStream();
  /** Whole lines written, without their ends. */
  readonly written: string[] = [];
  readonly mayDouble = new Set<string>();
  readonly history: string[] = [];
  /** Lines of each path's present content. */
  #content = new Map<string, string[]>();
  #unfinished = new Map<string, string>();
  #copied: { at: number; lines: string[] }[] = [];
  #agent: ChildProcess | undefined;
  #startedAt = 0;
  #count = 0;

  constructor(random: () => number) {
    this.random = random;
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  pick<T>(items: T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  start(): void {
    if (this.#agent) return;
    this.#startedAt = performance.now();
    const globs = ['*.log', '*.log.[0-9]*'].map((glob) => this.path(glob));
    const agent = fork(join(import.meta.dirname, 'testing/forked-agent.ts'), [this.dir, ...globs]);
    this.#agent = agent;
    agent.on('message', (message: { call: number; blocks: string[] }) => {
      const blocks = message.blocks.map((block) => Buffer.from(block, 'base64'));
      const luck = this.random();
      const refused = { ok: false, code: 'ProvisionedThroughputExceededException', message: '' };
      const oks = blocks.map(() => (luck > 0.2 || this.random() < 0.5) && luck >= 0.1);
      for (const [i, block] of blocks.entries()) if (oks[i] || luck < 0.05) this.stream.blocks.push(block);
      const answer = luck < 0.1 ? 'socket hang up' : oks.map((ok) => (ok ? { ok } : refused));
      if (agent.connected) agent.send({ call: message.call, answer }, () => {});
    });
  }

  async end(how: 'kill' | 'stop'): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    this.#agent = undefined;
    this.#doubtCopies();
    const exited = once(agent, 'exit');
    if (how === 'kill') agent.kill('SIGKILL');
    else agent.send('stop');
    const [code] = await exited;
    if (how === 'stop') assert.equal(code, 0, 'a clean stop acknowledges everything');
  }

  write(name: string): void {
    this.finish(name);
    for (let n = Math.ceil(this.random() * 20); n > 0; n--) {
      const line = `${name} ${this.#count++} ${'x'.repeat(this.random() * 100)}`;
      appendFileSync(this.path(name), `${line}\n`);
      this.#note(name, line);
    }
    if (this.random() < 0.3) {
      const begun = `${name} ${this.#count++} unfin`;
      appendFileSync(this.path(name), begun);
      this.#unfinished.set(name, begun);
    }
  }

  /** Ends the line that was begun, before the file goes another way. */
  finish(name: string): void {
    const begun = this.#unfinished.get(name);
    if (begun === undefined) return;
    this.#unfinished.delete(name);
    appendFileSync(this.path(name), 'ished\n');
    this.#note(name, `${begun}ished`);
  }

  rename(from: string, to: string): void {
    if (!existsSync(this.path(from)) || existsSync(this.path(to))) return;
    this.finish(from);
    renameSync(this.path(from), this.path(to));
    this.#content.set(to, this.#content.get(from) ?? []);
    this.#content.delete(from);
  }

  async copytruncate(name: string): Promise<void> {
    const running = this.#agent !== undefined && performance.now() - this.#startedAt > 1_000;
    if (!existsSync(this.path(name)) || !running) return;
    this.finish(name);
    await delay(250);
    const copy = `${name}.${this.#count++}`;
    copyFileSync(this.path(name), this.path(copy));
    await delay(this.random() * 300);
    truncateSync(this.path(name));
    const lines = this.#content.get(name) ?? [];
    this.#content.set(copy, lines);
    this.#content.delete(name);
    this.#copied.push({ at: performance.now(), lines });
  }

  removeDelivered(name: string): void {
    if (!existsSync(this.path(name))) return;
    this.finish(name);
    const delivered = new Set(this.delivered());
    if (!(this.#content.get(name) ?? []).every((line) => delivered.has(line))) return;
    rmSync(this.path(name));
    this.#content.delete(name);
  }

  /** Files with this in their names. */
  named(part: string): string[] {
    return [...this.#content.keys()].filter((name) => name.includes(part));
  }

  /** Lines as the stream has them: records of one generation that lie end to end make one text. */
  delivered(): string[] {
    const records = this.stream
      .records()
      .sort((a, b) =>
        a.generation < b.generation ? -1 : a.generation > b.generation ? 1 : a.offset - b.offset,
      );
    const lines: string[] = [];
    let text = '';
    let generation = '';
    let end = 0;
    for (const record of records) {
      if (record.generation !== generation) generation = record.generation;
      else if (record.offset < end) lines.push(`two records overlap at ${record.offset}: ${record.text}`);
      text += record.text;
      end = record.offset + record.text.length;
      if (!text.endsWith('\n')) continue;
      lines.push(text.slice(0, -1));
      text = '';
    }
    return text === '' ? lines : [...lines, text];
  }

  async close(): Promise<void> {
    await this.end('kill');
    rmSync(this.dir, { recursive: true, force: true });
  }

  #note(name: string, line: string): void {
    this.written.push(line);
    this.#content.set(name, [...(this.#content.get(name) ?? []), line]);
  }

  #doubtCopies(): void {
    const since = performance.now() - copyDoubtMs;
    for (const { at, lines } of this.#copied)
      if (at > since) for (const line of lines) this.mayDouble.add(line);
  }
}

async function step(world: World): Promise<void> {
  const name = world.pick(['a.log', 'b.log', 'c.log']);
  const luck = world.random();
  const fresh = `${name}.${world.written.length}`;
  const act = (what: string) => world.history.push(`${what} ${name}`);
  if (luck < 0.66) world.write(name);
  else if (luck < 0.74) act('rename') && world.rename(name, fresh);
  else if (luck < 0.77) act('away') && world.rename(name, `away.${fresh}`);
  else if (luck < 0.8) act('back') && back(world, world.pick(world.named('away.')));
  else if (luck < 0.85) act('copytruncate') && (await world.copytruncate(name));
  else if (luck < 0.9) act('remove') && world.removeDelivered(world.pick([name, ...world.named('.log.')]));
  else if (luck < 0.97) act('kill') && (await world.end('kill'));
  else act('stop') && (await world.end('stop'));
  if (world.random() < 0.3) world.start();
  await delay(world.random() * 60);
}

function back(world: World, away: string | undefined): void {
  if (away !== undefined) world.rename(away, away.slice('away.'.length));
}

test('whatever happens to files, agent and stream, each line is delivered once', async (t) => {
  const seed = Number(process.env.MILLRACE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`seed ${seed} (MILLRACE_TEST_SEED repeats its decisions)`);
  const world = new World(generator(seed));
  t.after(() => world.close());
  world.start();
  const end = performance.now() + durationMs;
  while (performance.now() < end) await step(world);
  for (const name of ['a.log', 'b.log', 'c.log']) world.finish(name);
  for (const away of world.named('away.')) back(world, away);
  world.start();
  const said = `seed ${seed}: ${world.history.join(', ')}`;
  const missing = () => {
    const delivered = new Set(world.delivered());
    return world.written.filter((line) => !delivered.has(line));
  };
  await until(() => missing().length === 0, 'every line').catch(() => {});
  await delay(300);
  await world.end('stop');
  assert.deepEqual(missing(), [], `lost; ${said}`);
  const rest = new Map<string, number>();
  for (const line of world.delivered()) rest.set(line, (rest.get(line) ?? 0) + 1);
  for (const line of world.written) {
    const count = rest.get(line);
    rest.delete(line);
    if (!world.mayDouble.has(line)) assert.equal(count, 1, `${line} was delivered ${count} times; ${said}`);
  }
  assert.deepEqual([...rest.keys()], [], `nobody wrote these; ${said}`);
});
