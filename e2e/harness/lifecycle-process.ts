import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AutoScalingServer } from './auto-scaling-server.ts';
import type { MetadataServer } from './metadata-server.ts';
import { root } from './stack.ts';

/** `agent lifecycle` as a process on a simulated instance: no keys but those of the instance's role. */
export class LifecycleProcess {
  /** Names of the events that it reported. */
  readonly events: string[] = [];
  /** Everything it wrote. */
  readonly output: string[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;

  constructor(config: string, metadata: MetadataServer, scaling: AutoScalingServer, ...args: string[]) {
    const main = join(root, 'agent/src/main.ts');
    this.#child = spawn(process.execPath, [main, 'lifecycle', '--config', config, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url,
        AWS_ENDPOINT_URL_AUTO_SCALING: scaling.url,
      },
    });
    this.#exit = once(this.#child, 'close');
    const { stderr } = this.#child;
    if (stderr === null) throw new TypeError('it has no stderr');
    createInterface({ input: stderr }).on('line', (line) => {
      this.output.push(line);
      if (line.startsWith('{')) this.events.push((JSON.parse(line) as { event: string }).event);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** SIGTERM; resolves to the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#exit;
    return this.#child.exitCode;
  }
}
