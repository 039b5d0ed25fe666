import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A line of the agent's log. */
export interface LogLine {
  event?: string;
  level: string;
  message: string;
  [field: string]: unknown;
}

const plainKeys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

const withoutReadingAll = ['--bounding-set', '-dac_override,-dac_read_search'];

/** `agent run --config FILE` as a process, with what it said. */
export class AgentProcess {
  readonly log: LogLine[] = [];
  /** Lines of stderr that are not its log: errors of the command line and of the configuration. */
  readonly complaints: string[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;

  /** `plain`: without the right to read what its user may not; `env`: beside, or instead of, plain keys. */
  constructor(config: string, args: string[] = [], plain = false, env: NodeJS.ProcessEnv = plainKeys) {
    const main = join(import.meta.dirname, '../main.ts');
    const command = [process.execPath, main, 'run', '--config', config, ...args];
    // Root may read everything; as somebody else it might not even read the agent.
    if (plain && process.getuid?.() === 0) command.unshift('setpriv', ...withoutReadingAll);
    const [program = '', ...rest] = command;
    this.#child = spawn(program, rest, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    });
    this.#exit = once(this.#child, 'close');
    const { stderr } = this.#child;
    if (stderr === null) throw new TypeError('the agent has no stderr');
    createInterface({ input: stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogLine);
      else this.complaints.push(line);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Log lines of one event. */
  events(name: string): LogLine[] {
    return this.log.filter((line) => line.event === name);
  }

  /** Resolves to the exit code; null after a signal. */
  async exited(): Promise<number | null> {
    await this.#exit;
    return this.#child.exitCode;
  }

  /** SIGTERM: resolves to the exit code. */
  stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.exited();
  }

  /** SIGHUP: the configuration is read again. */
  reload(): void {
    this.#child.kill('SIGHUP');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited();
  }

  /** Nothing of the agent runs until `resume`: what happens meanwhile happens between two of its looks. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }
}
