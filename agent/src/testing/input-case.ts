import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { AgentProcess } from './agent-process.ts';
import { KinesisServer } from './kinesis-server.ts';
import { recordsOf } from './received.ts';

const deadlineMs = 30_000;

/** An agent's process whose events come by network, and a stream behind it that fails on command. */
export class InputCase {
  readonly dir = mkdtempSync(join(tmpdir(), 'millrace-input-'));
  readonly stream = new KinesisServer();
  readonly agents: AgentProcess[] = [];
  readonly port: number;
  /** Lines of `<source>`; `PORT` stands for the port. */
  source: string[];
  /** Lines of `<match>`. */
  match: string[] = [];

  private constructor(port: number, source: string[]) {
    this.port = port;
    this.source = source;
    chmodSync(this.dir, 0o755);
  }

  static async open(t: TestContext, source: string[]): Promise<InputCase> {
    const world = new InputCase(await freePort(), source);
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

  async start(): Promise<AgentProcess> {
    const config = join(this.dir, 'agent.conf');
    const lines = [
      ...['<system>', `state_dir ${join(this.dir, 'state')}`, 'log_level debug', '</system>'],
      ...['<source>', ...this.source.map((line) => line.replace('PORT', String(this.port))), '</source>'],
      ...['<match **>', '@type kinesis_streams', 'stream_name s', 'region us-east-1', 'linger 0.05s'],
      ...[`endpoint ${this.stream.url}`, ...this.match],
      ...['<buffer>', 'retry_wait 0.05s', 'retry_max_interval 0.2s', '</buffer>', '</match>'],
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const agent = new AgentProcess(config);
    this.agents.push(agent);
    await this.until(() => agent.events('agent_started').length > 0 || !agent.running, 'the agent starts');
    assert.ok(agent.running, agent.complaints.join('\n'));
    return agent;
  }

  async stop(): Promise<void> {
    assert.equal(await this.agent.stop(), 0, `a clean stop; ${JSON.stringify(this.agent.log.slice(-5))}`);
    assert.deepEqual(this.stream.violations, []);
  }

  /** Texts of all records, one of each event id, in order of arrival; each with its tag before it. */
  records(): string[] {
    return this.stream.blocks.flatMap((bytes) => {
      const block = decodeBlock(bytes);
      return [...blockRecords(block)].map(
        ({ source, start, end }) =>
          `${source.tag} ${Buffer.from(block.payload.subarray(start, end)).toString('latin1')}`,
      );
    });
  }

  texts(): string[] {
    return recordsOf(this.stream.blocks).map(({ text }) => text);
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!condition()) {
      const said = () =>
        this.agents.map((agent) => [...agent.complaints, ...agent.log.map((line) => JSON.stringify(line))]);
      if (performance.now() > end) throw new Error(`never: ${what}\n${said().flat().slice(-20).join('\n')}`);
      await delay(10);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
