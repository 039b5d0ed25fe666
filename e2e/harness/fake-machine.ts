import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/**
 * A machine with `/etc` and `/var/cache` of its own, on which a script runs as it is written (needs root). Commands that
 * cannot be had, as systemd's, are scripts that a test writes; everything else is this machine's.
 */
export class FakeMachine {
  readonly #dir: string;

  constructor(t: TestContext) {
    this.#dir = mkdtempSync(join(tmpdir(), 'millrace-machine-'));
    t.after(() => rmSync(this.#dir, { recursive: true, force: true }));
    for (const name of ['bin', 'etc', 'var/cache', 'state']) mkdirSync(this.#path(name), { recursive: true });
  }

  /** Puts a shell script in the place of a command. `$STATE` is a folder for what commands share. */
  command(name: string, script: string): void {
    const path = this.#path(`bin/${name}`);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  /** Writes a file of `/etc`, of `/var/cache`, or of `/state`. */
  write(path: string, content: string): void {
    mkdirSync(join(this.#path(path), '..'), { recursive: true });
    writeFileSync(this.#path(path), content);
  }

  /** Text of a file; empty when it is not there. */
  read(path: string): string {
    return existsSync(this.#path(path)) ? readFileSync(this.#path(path), 'utf8') : '';
  }

  /** Runs a script to its end, as the agent of Systems Manager does; a minute at most. */
  async run(script: string): Promise<{ code: number | null; output: string }> {
    this.write('script', script);
    const place = ['etc', 'var/cache'].map((name) => `mount --bind '${this.#path(name)}' /${name}`);
    const enter = `exec 2>&1; ${place.join(' && ')} && exec sh '${this.#path('script')}'`;
    const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', enter], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
      env: {
        PATH: `${this.#path('bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
        STATE: this.#path('state'),
        HOME: '/root',
      },
    });
    const ended = once(child, 'close');
    const output = await text(child.stdout);
    const [code] = await ended;
    return { code: code as number | null, output };
  }

  #path(path: string): string {
    return join(this.#dir, path);
  }
}
