import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awsEnvironment, childrenOf, eventually, pidOf, root, type StackUnderTest } from './stack.ts';

/** Another consumer on the stack's stream and lease table, as on a second machine. */
export class Worker {
  readonly dir: string;
  readonly config: string;
  readonly log: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  /** `change` may alter the configuration, which is that of the stack's own consumer. */
  constructor(stack: StackUnderTest, name: string, change: (config: ConsumerJson) => void = () => {}) {
    this.dir = join(stack.dataDir, name);
    this.config = join(this.dir, 'consumer.json');
    this.log = join(this.dir, 'consumer.log');
    mkdirSync(this.dir, { recursive: true });
    const own = readFileSync(join(stack.dataDir, 'consumer/consumer.json'), 'utf8');
    const config = JSON.parse(own) as ConsumerJson;
    config.http.port = freePort();
    this.#port = config.http.port;
    config.state_dir = join(this.dir, 'state');
    config.log_level = 'info';
    change(config);
    writeFileSync(this.config, JSON.stringify(config));
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the worker does not run');
    return pid;
  }

  start(environment: Record<string, string> = {}): void {
    const log = openSync(this.log, 'a');
    const main = join(root, 'consumer/src/main.ts');
    this.#child = spawn(process.execPath, [main, 'run', '--config', this.config], {
      env: { ...process.env, ...awsEnvironment, ...environment },
      stdio: ['ignore', log, log],
    });
  }

  /** SIGTERM; resolves to the exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    return this.#exited();
  }

  /** All of its processes at once, as when its machine goes. */
  async kill(): Promise<void> {
    const pids = await familyOf(this.pid).catch(() => [this.pid]);
    for (const pid of pids) end(pid);
    await this.#exited();
  }

  /** Its name in the lease table ends with this. */
  get id(): string {
    return readFileSync(join(this.dir, 'state/worker-id'), 'utf8').trim();
  }

  text(): string {
    return readFileSync(this.log, 'utf8');
  }

  /** Prometheus text; empty while it starts. */
  async metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/metrics`).catch(() => undefined);
    return answer === undefined ? '' : answer.text();
  }

  /** Lines of the log that are an event of this name. */
  events(name: string): Record<string, unknown>[] {
    return this.text()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(`"event":"${name}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((event) => event.event === name);
  }

  async #exited(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  }
}

export interface ConsumerJson {
  application: string;
  stream: Record<string, unknown>;
  http: { port: number };
  state_dir: string;
  log_level: string;
  [key: string]: unknown;
}

/** A consumer's own process, the KCL's daemon, and a process for each shard. */
export async function familyOf(consumer: number): Promise<number[]> {
  const children = await childrenOf(consumer);
  const shards = await Promise.all(children.map((child) => childrenOf(child.pid)));
  return [consumer, ...children.map((child) => child.pid), ...shards.flat().map((child) => child.pid)];
}

/** That of the stack's own consumer, when the KCL's daemon runs. */
export async function stackFamily(stack: StackUnderTest): Promise<number[]> {
  return eventually('the consumer has a daemon', 60, async () => {
    const family = await familyOf(await pidOf(stack, 'consumer'));
    return family.length > 1 ? family : undefined;
  });
}

let lastPort = 20_000 + (process.pid % 10_000);

/** Of a range that nothing else of the tests takes. */
function freePort(): number {
  return ++lastPort;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Its parent took it along.
  }
}
