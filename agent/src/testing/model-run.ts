import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ModelAgent, type Weather } from './model-agent.ts';
import { bannerLine, type Content, type Line, ModelFiles } from './model-files.ts';
import { recordsOf } from './received.ts';
import { generator, VirtualTime } from './virtual-clock.ts';

/** By then a line that the agent could read is in the outbox. */
const securedMs = 1_500;
/** docs/delivery.md: a copy whose truncation comes this close to the agent's end may be doubled. */
const copyDoubtMs = 1_000;
/** docs/delivery.md: a file that begins as another does may be held for this long, and its copy is then not known. */
const alikeHeldMs = 6_000;
/** docs/delivery.md: the truncation must come within this of the copy. */
const copyHeldMs = 5_000;

/**
 * One random history of writers, rotators, the stream and the agent, and what must have been delivered in the end.
 * The same seed makes the same history.
 */
class ModelRun {
  readonly #logs: string;
  readonly #state: string;
  readonly #random: () => number;
  readonly #pollOnly: boolean;
  /** Files begin alike: one that may be a copy is held back, and may be destroyed unread. */
  readonly #alike: boolean;
  readonly #time: VirtualTime;
  readonly #files: ModelFiles;
  readonly #blocks: Buffer[] = [];
  readonly #history: string[] = [];
  readonly #mayDouble = new Set<string>();
  readonly #mayMiss = new Set<string>();
  readonly #copied: { at: number; lines: Line[] }[] = [];
  #weather: Weather = 'fair';
  #agent: ModelAgent | undefined;
  /** What was written in view of the agent before this virtual time is in the outbox, or acknowledged. */
  #securedTo = Number.NEGATIVE_INFINITY;
  #names = 0;

  constructor(folders: { logs: string; state: string }, seed: number) {
    this.#logs = folders.logs;
    this.#state = join(folders.state, 'agent');
    this.#random = generator(seed);
    this.#pollOnly = this.#random() < 0.25;
    this.#time = new VirtualTime(Date.now(), this.#random);
    this.#alike = this.#random() < 0.25;
    this.#files = new ModelFiles(folders.logs, this.#time, this.#alike);
  }

  /** Resolves to what is wrong with what was delivered. */
  async run(steps: number): Promise<string[]> {
    this.#start();
    for (let i = 0; i < steps; i++) {
      await this.#step();
      this.#agent?.check();
    }
    await this.#finish();
    return this.#judge();
  }

  get history(): string {
    return this.#history.join(', ');
  }

  async close(): Promise<void> {
    await this.#agent?.kill().catch(() => {});
  }

  async #step(): Promise<void> {
    const files = this.#files;
    const name = this.#pick(['a.log', 'b.log', 'c.log']);
    const luck = this.#random();
    const act = (what: string) => this.#history.push(`${Math.round(this.#time.elapsedMs)} ${what}`);
    if (luck < 0.5) act(`write ${name}`) && files.write(name);
    else if (luck < 0.58) act(`rename ${name}`) && files.rename(name, this.#fresh(name));
    else if (luck < 0.61) act(`away ${name}`) && files.rename(name, `away.${this.#fresh(name)}`);
    else if (luck < 0.64) this.#back();
    else if (luck < 0.71) act(`copytruncate ${name}`) && (await this.#copytruncate(name));
    else if (luck < 0.75) act(`truncate ${name}`) && this.#destroy(() => files.truncate(name));
    else if (luck < 0.79) act(`remove ${name}`) && this.#removeSome(name);
    else if (luck < 0.83) this.#recreate(name);
    else if (luck < 0.88) act('weather') && this.#turn();
    else if (luck < 0.94) await this.#kill();
    else if (luck < 0.96) await this.#stop();
    if (this.#agent === undefined && this.#random() < 0.3) this.#start();
    // Now and then so long that what is quiet is let go of.
    await this.#pass(this.#random() < 0.02 ? 13_000 : this.#random() ** 3 * 1_500);
  }

  async #pass(ms: number): Promise<void> {
    // In pieces, so that what is secured is known as it goes.
    for (let left = ms; left > 0; left -= 200) {
      await this.#time.advance(Math.min(left, 200));
      this.#agent?.check();
      if (this.#agent?.roomSince === undefined || this.#alike) continue;
      const since = Math.max(this.#agent.startedAt, this.#agent.roomSince);
      const to = this.#time.elapsedMs - securedMs;
      if (to >= since) this.#securedTo = Math.max(this.#securedTo, to);
    }
  }

  #start(): void {
    if (this.#agent) return;
    this.#history.push(`${Math.round(this.#time.elapsedMs)} start`);
    this.#agent = new ModelAgent({
      dir: this.#logs,
      stateDir: this.#state,
      globs: ['*.log', '*.log.[0-9]*'].map((glob) => join(this.#logs, glob)),
      pollOnly: this.#pollOnly,
      time: this.#time,
      weather: () => this.#weather,
      onBlock: (block) => this.#blocks.push(block),
    });
  }

  async #kill(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    this.#history.push(`${Math.round(this.#time.elapsedMs)} kill`);
    this.#doubtCopies();
    this.#agent = undefined;
    await agent.kill();
    // What only open descriptors led to is gone with them.
    this.#giveUp(this.#files.destroyed);
    if (this.#random() < 0.1) this.#restore();
  }

  async #stop(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    this.#history.push(`${Math.round(this.#time.elapsedMs)} stop`);
    this.#doubtCopies();
    this.#agent = undefined;
    const drained = await agent.stop();
    if (!drained) this.#giveUp(this.#files.destroyed);
    if (!drained && this.#weather === 'fair') throw new Error('a stop in fair weather does not drain');
  }

  /** An older copy of the position store is put in place, or the present one is kept as that copy. */
  #restore(): void {
    const state = this.#state;
    const copy = `${state}.backup`;
    const positions = readdirSync(state).filter((name) => name.startsWith('positions'));
    if (!existsSync(copy)) {
      mkdirSync(copy);
      for (const name of positions) cpSync(join(state, name), join(copy, name));
      return;
    }
    this.#history.push('restore');
    for (const name of positions) rmSync(join(state, name));
    for (const name of readdirSync(copy)) cpSync(join(copy, name), join(state, name));
    for (const { text } of this.#files.written) this.#mayDouble.add(text);
    for (const { begun } of this.#files.contents.values()) this.#files.fragments.add(begun);
    // Blocks of the outbox that the older store does not know are read again, where their files are still there.
    const held = new Set([...this.#files.contents.values()].flatMap(({ lines }) => lines));
    const delivered = this.#delivered();
    for (const line of this.#files.written)
      if (!held.has(line) && !delivered.has(line.text)) this.#mayMiss.add(line.text);
    this.#securedTo = Number.NEGATIVE_INFINITY;
  }

  #turn(): void {
    this.#weather = this.#pick(['fair', 'fair', 'flaky', 'flaky', 'down']);
  }

  #back(): void {
    const away = this.#pick(this.#files.names(/^away\./));
    if (away === undefined) return;
    this.#history.push(`${Math.round(this.#time.elapsedMs)} back ${away}`);
    this.#files.rename(away, away.slice('away.'.length));
  }

  #removeSome(name: string): void {
    const some = this.#pick([name, ...this.#files.names(/\.log\.\d/)]);
    this.#destroy(() => this.#files.remove(some));
  }

  /** Deleted and made anew at once: on most file systems under the same inode. */
  #recreate(name: string): void {
    this.#history.push(`${Math.round(this.#time.elapsedMs)} recreate ${name}`);
    this.#destroy(() => this.#files.remove(name));
    this.#files.write(name);
  }

  async #copytruncate(name: string): Promise<void> {
    const files = this.#files;
    const { startedAt } = this.#agent ?? {};
    const settled = startedAt !== undefined && this.#time.elapsedMs - startedAt > copyDoubtMs;
    if (this.#random() < 0.7) files.finish(name);
    const copiedAt = this.#time.elapsedMs;
    const { visibleSince = 0, begunAt = 0 } = files.contents.get(name) ?? {};
    const appearedAt = Math.max(visibleSince, begunAt);
    const copy = files.copy(name, this.#fresh(name));
    if (copy === undefined) return;
    if (this.#random() < 0.3) files.write(name);
    if (this.#random() < 0.6) await this.#pass(this.#random() * 400);
    this.#destroy(() => files.truncate(name));
    if (this.#random() < 0.5) files.write(name);
    const late = this.#time.elapsedMs - copiedAt > copyHeldMs;
    const held = this.#alike && appearedAt > copiedAt - alikeHeldMs;
    if (!settled || late || held) for (const { text } of copy.lines) this.#mayDouble.add(text);
    this.#copied.push({ at: this.#time.elapsedMs, lines: copy.lines });
  }

  /** What was not read in time may be missing, unless it has another place. */
  #destroy(act: () => void): void {
    const before = this.#files.destroyed.length;
    act();
    const gone = this.#files.destroyed.slice(before);
    // A deleted file stays open; a truncated one does not keep what was not read.
    this.#giveUp(gone);
  }

  #giveUp(contents: Content[]): void {
    const held = new Set([...this.#files.contents.values()].flatMap(({ lines }) => lines));
    for (const content of contents) {
      for (const line of content.lines) {
        const { visibleSince } = content;
        const seen = visibleSince !== undefined && Math.max(visibleSince, line.writtenAt) <= this.#securedTo;
        if (!seen && !held.has(line)) this.#mayMiss.add(line.text);
      }
    }
  }

  #doubtCopies(): void {
    const { roomSince, fullAt } = this.#agent ?? {};
    let since = this.#time.elapsedMs - copyDoubtMs;
    // What is known of copies is written with the next block.
    if (roomSince === undefined || roomSince > since) since = Math.min(since, (fullAt ?? 0) - copyDoubtMs);
    for (const { at, lines } of this.#copied)
      if (at > since) for (const { text } of lines) this.#mayDouble.add(text);
  }

  async #finish(): Promise<void> {
    for (const away of this.#files.names(/^away\./)) this.#files.rename(away, away.slice('away.'.length));
    for (const name of this.#files.names(/./)) this.#files.finish(name);
    this.#weather = 'fair';
    this.#start();
    await this.#pass(3_000);
    await this.#stop();
  }

  /** How often each line was delivered: records of one generation that lie end to end make one text. */
  #delivered(): Map<string, number> {
    const counts = new Map<string, number>();
    const add = (line: string) => counts.set(line, (counts.get(line) ?? 0) + 1);
    for (const group of Map.groupBy(recordsOf(this.#blocks), (record) => record.generation).values()) {
      let text = '';
      let end = 0;
      for (const record of group.sort((a, b) => a.offset - b.offset)) {
        if (record.offset < end) add(`two records overlap at ${record.offset} of ${record.path}`);
        if (record.offset > end && text !== '') {
          add(text);
          text = '';
        }
        text += record.text;
        end = record.end;
        if (!text.endsWith('\n')) continue;
        add(text.slice(0, -1));
        text = '';
      }
      if (text !== '') add(text);
    }
    return counts;
  }

  #judge(): string[] {
    const counts = this.#delivered();
    const wrong: string[] = [];
    counts.delete(bannerLine);
    for (const { text, begun } of this.#files.written) {
      const count = counts.get(text) ?? 0;
      // The end may be missing, or come once more, without the beginning.
      if (this.#mayMiss.has(text) || this.#mayDouble.has(text)) this.#files.fragments.add(begun);
      counts.delete(text);
      if (count === 0 && !this.#mayMiss.has(text)) wrong.push(`missing: ${text}`);
      if (count > 1 && !this.#mayDouble.has(text))
        wrong.push(`${count} times: ${text.slice(0, 12)} in ${this.#places(text)}`);
    }
    for (const text of counts.keys())
      if (!this.#files.fragments.has(text)) wrong.push(`nobody wrote: ${text}`);
    return wrong.slice(0, 5).map((text) => text.slice(0, 160));
  }

  /** Where a line is in the stream, for the report. */
  #places(text: string): string {
    return recordsOf(this.#blocks)
      .filter((record) => record.text.startsWith(text.slice(0, record.text.length - 1)))
      .map(({ generation, path, offset }) => `${basename(path)} ${generation.slice(0, 12)} @${offset}`)
      .join(' and ');
  }

  #fresh(name: string): string {
    return `${name}.${this.#names++}`;
  }

  #pick<T>(items: [T, ...T[]]): T;
  #pick<T>(items: T[]): T | undefined;
  #pick<T>(items: T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}

/** Runs one history; undefined when all is well, else what is wrong and what happened. */
export async function modelRun(seed: number): Promise<string | undefined> {
  const make = (parent: string) => mkdtempSync(join(parent, 'millrace-model-'));
  // Logs on a disk, whose inodes come again; state where a commit waits for none.
  const folders = { logs: make(tmpdir()), state: make(existsSync(memory) ? memory : tmpdir()) };
  const run = new ModelRun(folders, seed);
  try {
    const wrong = await run.run(30 + (seed % 31));
    return wrong.length === 0 ? undefined : `${wrong.join('; ')}\n  ${run.history}`;
  } catch (error) {
    return `${error instanceof Error ? error.stack : String(error)}\n  ${run.history}`;
  } finally {
    await run.close();
    for (const dir of Object.values(folders)) rmSync(dir, { recursive: true, force: true });
  }
}

const memory = '/dev/shm';
