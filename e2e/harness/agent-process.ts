import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { awsEnvironment, root } from './stack.ts';

/** An agent of the test's own, beside the stack's, so that its state and its stream can be tampered with. */
export class AgentProcess {
  readonly dir: string;
  readonly logs: string;
  readonly state: string;
  readonly #endpoint: string;
  readonly #source: string;
  readonly #match: string;
  readonly #system: string;
  #child: ChildProcess | undefined;

  /** Further lines of the `<source>` section, `<parse>` included, of the `<match>` and of the `<system>` section. */
  constructor(
    dir: string,
    endpoint: string,
    source = '<parse>\n@type none\n</parse>',
    match = '',
    system = '',
  ) {
    this.dir = dir;
    this.logs = join(dir, 'files');
    this.state = join(dir, 'state');
    this.#endpoint = endpoint;
    this.#source = source;
    this.#match = match;
    this.#system = system;
    mkdirSync(this.logs, { recursive: true });
  }

  get config(): string {
    return join(this.dir, 'agent.conf');
  }

  /** `agent drain`. */
  async drain(deadline: string): Promise<{ code: number; stdout: string }> {
    const main = join(root, 'agent/src/main.ts');
    const child = spawn(process.execPath, [main, 'drain', '--config', this.config, '--deadline', deadline], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    const stdout = child.stdout ? await text(child.stdout) : '';
    const [code] = await exit;
    return { code: code as number, stdout };
  }

  start(...args: string[]): void {
    const { config } = this;
    writeFileSync(
      config,
      `<system>
state_dir ${this.state}
${this.#system}
</system>
<source>
@type tail
path ${join(this.logs, '*.txt*')}
tag own
read_from_head true
${this.#source}
</source>
<match **>
@type kinesis_streams
stream_name millrace
region us-east-1
endpoint ${this.#endpoint}
drain_timeout 20s
${this.#match}
</match>
`,
    );
    const log = openSync(join(this.dir, 'agent.log'), 'a');
    this.#child = spawn(
      process.execPath,
      [join(root, 'agent/src/main.ts'), 'run', '--config', config, ...args],
      {
        env: { ...process.env, ...awsEnvironment },
        stdio: ['ignore', log, log],
      },
    );
  }

  /** Resolves to the exit code, null after a signal. */
  async exited(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const [code] = await once(child, 'exit');
    return code as number | null;
  }

  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    return this.exited();
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.exited();
  }
}
