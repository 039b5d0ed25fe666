import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AgentProcess } from './agent-process.ts';
import { AutoScalingServer } from './auto-scaling-server.ts';
import { LifecycleProcess } from './lifecycle-process.ts';
import { MetadataServer } from './metadata-server.ts';
import { ObjectServer } from './object-server.ts';
import { root } from './stack.ts';
import { StreamServer } from './stream-server.ts';
import { type Supervisor, superviseAgent } from './supervise.ts';

/** An instance of an Auto Scaling group: its metadata, its agent under a supervisor, an application that writes. */
export class Instance {
  readonly #dir: string;
  readonly metadata: MetadataServer;
  readonly scaling: AutoScalingServer;
  readonly stream: StreamServer;
  readonly archive: ObjectServer;
  readonly agent: AgentProcess;
  readonly supervisor: Supervisor;
  #lines = 0;
  #watcher: LifecycleProcess | undefined;

  private constructor(
    dir: string,
    metadata: MetadataServer,
    scaling: AutoScalingServer,
    stream: StreamServer,
    archive: ObjectServer,
    spills: boolean,
  ) {
    this.#dir = dir;
    this.metadata = metadata;
    this.scaling = scaling;
    this.stream = stream;
    this.archive = archive;
    const spill = spills ? `<spill>\nbucket archive\nendpoint ${archive.url}\n</spill>` : '';
    this.agent = new AgentProcess(dir, stream.url, undefined, `linger 0.1s\noutbox_size 2m\n${spill}`);
    this.supervisor = superviseAgent(this.agent);
  }

  /** `timeoutMs`: of the group's hook; `spills`: what the stream has not taken at the end goes to the archive. */
  static async launch(t: TestContext, { timeoutMs = 120_000, spills = true } = {}): Promise<Instance> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-scale-in-'));
    const metadata = await MetadataServer.listen('i-0123456789abcdef0');
    const scaling = await AutoScalingServer.listen(metadata, { timeoutMs });
    const stream = await StreamServer.listen();
    const archive = await ObjectServer.listen();
    const instance = new Instance(dir, metadata, scaling, stream, archive, spills);
    t.after(async () => {
      await instance.#watcher?.stop();
      await instance.supervisor.kill();
      for (const server of [metadata, scaling, stream, archive]) server.close();
      rmSync(dir, { recursive: true, force: true });
    });
    return instance;
  }

  /** The application writes this many lines. */
  write(count: number): void {
    const more = Array.from({ length: count }, () => `line ${this.#lines++} ${Math.random()}`);
    appendFileSync(join(this.agent.logs, 'app.txt'), `${more.join('\n')}\n`);
  }

  /** Starts the watch for the instance's end. */
  watch(...args: string[]): LifecycleProcess {
    const { metadata, scaling } = this;
    this.#watcher = new LifecycleProcess(this.agent.config, metadata, scaling, '--interval', '0.2s', ...args);
    return this.#watcher;
  }

  /** The environment of a command on the instance, `millrace-agent` in its PATH. */
  commands(): NodeJS.ProcessEnv {
    const bin = join(this.#dir, 'bin');
    mkdirSync(bin, { recursive: true });
    const program = join(bin, 'millrace-agent');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${root}agent/src/main.ts' "$@"\n`);
    chmodSync(program, 0o755);
    return { PATH: `${bin}:/usr/bin:/bin` };
  }

  /** Every line that the application has written is in the stream or in the archive, and nothing else. */
  assertNothingLost(): void {
    for (const block of this.archive.blocks()) this.stream.take(block);
    const numbers = [...this.stream.records.values()].map((text) => Number(/^line (\d+) /.exec(text)?.[1]));
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: this.#lines }, (_, i) => i),
    );
  }

  /** Results of the lifecycle actions that were completed. */
  completions(): (string | null)[] {
    return this.scaling.granted('CompleteLifecycleAction').map(({ result }) => result);
  }
}
