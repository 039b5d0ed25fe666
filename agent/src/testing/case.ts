import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess } from './agent-process.ts';
import { KinesisServer } from './kinesis-server.ts';
import { recordsOf } from './received.ts';

/** What a test's configuration adds to the plain one: lines of fluentd's syntax. */
export interface CaseConfig {
  /** Lines of `<system>` that replace the plain ones of the same name. */
  system?: string[];
  /** Globs, in the folder of logs. */
  path?: string;
  /** Lines of `<source>` that replace the plain ones of the same name. */
  source?: string[];
  parse?: string[];
  /** Lines of `<filter>` sections. */
  filters?: string[];
  /** Lines of `<match>`, `<buffer>` excluded. */
  match?: string[];
}

/** One generation as the stream has it: its records in order of their offsets. */
export interface Life {
  /** Name of the file where its first record was read. */
  file: string;
  /** `offset text`. */
  records: string[];
}

/** How long anything may take before a test gives it up. */
const deadlineMs = 30_000;

/** A folder of logs, a stream that fails on command, and the agent's process between them. */
export class Case {
  readonly dir: string;
  readonly logs: string;
  readonly state: string;
  readonly stream = new KinesisServer();
  #config: CaseConfig;
  /** All that ran, the present one last. */
  readonly agents: AgentProcess[] = [];

  private constructor(config: CaseConfig) {
    this.dir = mkdtempSync(join(tmpdir(), 'millrace-case-'));
    chmodSync(this.dir, 0o755);
    this.logs = join(this.dir, 'logs');
    this.state = join(this.dir, 'state');
    mkdirSync(this.logs);
    this.#config = config;
  }

  static async open(t: TestContext, config: CaseConfig = {}): Promise<Case> {
    const world = new Case(config);
    await world.stream.listen();
    t.after(async () => {
      for (const agent of world.agents) if (agent.running) await agent.kill();
      await world.stream.close();
      rmSync(world.dir, { recursive: true, force: true });
    });
    return world;
  }

  get agent(): AgentProcess {
    const agent = this.agents.at(-1);
    if (agent === undefined) throw new Error('no agent was started');
    return agent;
  }

  /** Starts an agent and waits until it has looked for files. */
  async start(...args: string[]): Promise<AgentProcess> {
    const agent = this.launch(args);
    await this.until(() => agent.events('agent_started').length > 0 || !agent.running, 'the agent starts');
    assert.deepEqual(agent.complaints, []);
    await delay(150);
    return agent;
  }

  launch(args: string[] = [], plain = false): AgentProcess {
    writeFileSync(this.configPath, this.#text());
    const agent = new AgentProcess(this.configPath, args, plain);
    this.agents.push(agent);
    return agent;
  }

  get configPath(): string {
    return join(this.dir, 'agent.conf');
  }

  /** Writes another configuration, or this text. */
  configure(config: CaseConfig, text?: string): void {
    this.#config = config;
    writeFileSync(this.configPath, text ?? this.#text());
  }

  /** Stops the agent cleanly: all is acknowledged. */
  async stop(): Promise<void> {
    assert.equal(await this.agent.stop(), 0, `a clean stop; ${JSON.stringify(this.agent.log.slice(-5))}`);
  }

  path(name: string): string {
    return join(this.logs, name);
  }

  write(name: string, text: string | Uint8Array): void {
    writeFileSync(this.path(name), text);
  }

  append(name: string, text: string | Uint8Array): void {
    appendFileSync(this.path(name), text);
  }

  rename(from: string, to: string): void {
    renameSync(this.path(from), this.path(to));
  }

  copy(from: string, to: string): void {
    copyFileSync(this.path(from), this.path(to));
  }

  truncate(name: string): void {
    truncateSync(this.path(name));
  }

  remove(name: string): void {
    rmSync(this.path(name));
  }

  /** Texts of all records, one of each event id, in order of arrival. */
  texts(): string[] {
    return recordsOf(this.stream.blocks).map((record) => record.text);
  }

  /** What the stream has, a generation each. Fails where records of one overlap or leave a gap. */
  lives(): Life[] {
    const groups = Map.groupBy(recordsOf(this.stream.blocks), (record) => record.generation);
    return [...groups.values()]
      .map((group) => {
        const records = group.toSorted((a, b) => a.offset - b.offset);
        for (const [i, record] of records.entries()) {
          const before = records[i - 1];
          if (before) assert.equal(record.offset, before.end, `no gap and no overlap in ${record.path}`);
        }
        const file = basename(records[0]?.path ?? '');
        return { file, records: records.map((record) => `${record.offset} ${record.text}`) };
      })
      .sort(byFile);
  }

  /** Waits until the stream has exactly these lives, looks once more after a while, stops the agent, and compares. */
  async expect(lives: Life[]): Promise<void> {
    const count = lives.reduce((sum, { records }) => sum + records.length, 0);
    // What is compared says more than that it never came.
    await this.until(() => this.texts().length >= count, `${count} records`).catch(() => {});
    if (this.agent.running) {
      await delay(400);
      await this.stop();
    }
    assert.deepEqual(this.lives(), lives.toSorted(byFile));
    assert.deepEqual(this.stream.violations, []);
  }

  async arrived(text: string): Promise<void> {
    await this.until(() => this.texts().includes(text), `the stream has ${JSON.stringify(text)}`);
  }

  async saw(event: string, count = 1): Promise<void> {
    await this.until(() => this.agent.events(event).length >= count, `the agent reports ${event}`);
  }

  async until(condition: () => boolean, what: string, ms = deadlineMs): Promise<void> {
    const end = performance.now() + ms;
    while (!condition()) {
      const said = () =>
        this.agents.map((agent) => [...agent.complaints, ...agent.log.map((line) => JSON.stringify(line))]);
      if (performance.now() > end) throw new Error(`never: ${what}\n${said().flat().slice(-20).join('\n')}`);
      await delay(10);
    }
  }

  #text(): string {
    const { path = '*.log', source = [], parse = ['@type none'], filters = [], match = [] } = this.#config;
    const { system = [] } = this.#config;
    const set = new Set(system.map((line) => line.split(' ')[0]));
    const systemKept = [`state_dir ${this.state}`, 'log_level debug', 'heartbeat_interval 0'].filter(
      (line) => !set.has(line.split(' ')[0]),
    );
    const plain = ['tag test', 'read_from_head true', 'refresh_interval 0.2s', 'rotate_wait 1s'];
    const given = new Set(source.map((line) => line.split(' ')[0]));
    const kept = [...plain, 'partial_flush_interval 0.5s', 'multiline_flush_interval 0.5s'].filter(
      (line) => !given.has(line.split(' ')[0]),
    );
    const globs = path.split(',').map((glob) => join(this.logs, glob));
    const lines = [
      ...['<system>', ...systemKept, ...system, '</system>'],
      ...['<source>', '@type tail', `path ${globs.join(',')}`, ...kept, ...source],
      ...['<parse>', ...parse, '</parse>', '</source>'],
      ...filters,
      ...['<match **>', '@type kinesis_streams', 'stream_name s', 'region us-east-1', 'linger 0.05s'],
      ...[`endpoint ${this.stream.url}`, ...match],
      ...['<buffer>', 'retry_wait 0.05s', 'retry_max_interval 0.2s', '</buffer>', '</match>'],
    ];
    return `${lines.join('\n')}\n`;
  }
}

/** A life whose records are these, one after another from `from` on. */
export function life(file: string, texts: string[], from = 0): Life {
  let offset = from;
  const records = texts.map((text) => {
    const record = `${offset} ${text}`;
    offset += text.length;
    return record;
  });
  return { file, records };
}

/** `prefix N\n` for N in [from, to). */
export function lines(prefix: string, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `${prefix} ${from + i}\n`);
}

function byFile(a: Life, b: Life): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
