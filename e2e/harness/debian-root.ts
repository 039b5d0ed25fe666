import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * This machine's Debian system as a folder of its own: an overlay, so that whatever is installed or removed in it goes
 * with it. Nothing of systemd runs in it. The network is the machine's.
 */
export class DebianRoot {
  readonly #dir: string;
  readonly #holder: ChildProcess;
  readonly #enter: string[];

  private constructor(dir: string, holder: ChildProcess, enter: string[]) {
    this.#dir = dir;
    this.#holder = holder;
    this.#enter = enter;
  }

  /** @throws Error where no overlay may be mounted, or the machine is no Debian */
  static async open(): Promise<DebianRoot> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-root-'));
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(dir, name));
    const layers = `lowerdir=/,upperdir=${dir}/upper,workdir=${dir}/work`;
    const script = [
      `mount -t overlay overlay -o ${layers} ${dir}/root`,
      `mount --rbind /dev ${dir}/root/dev`,
      `mount --rbind /proc ${dir}/root/proc`,
      `exec chroot ${dir}/root sh -c 'test -x /usr/bin/dpkg && echo ready && exec cat >/dev/null'`,
    ].join(' && ');
    // A namespace of its own: when its last process ends, the mounts are gone. That process ends with this one, whose
    // pipe it reads.
    const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script]);
    let said = '';
    holder.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const started = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'close').then(() => false),
    ]);
    if (!started) {
      rmSync(dir, { recursive: true, force: true });
      throw new Error(`no Debian root folder could be made (it needs root, on a Debian system): ${said}`);
    }
    const enter = ['--target', String(holder.pid), '--mount', '--root', '--wd=/'];
    return new DebianRoot(dir, holder, enter);
  }

  /** A path of the folder as this process sees it. */
  path(inside: string): string {
    return join(`/proc/${this.#holder.pid}/root`, inside);
  }

  /** Runs a command in the folder to its end. */
  run(...command: string[]): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      const env = {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        DEBIAN_FRONTEND: 'noninteractive',
        LC_ALL: 'C.UTF-8',
      };
      execFile('nsenter', [...this.#enter, ...command], { env }, (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? -1);
        resolve({ code, output: stdout + stderr });
      });
    });
  }

  /** Starts a command in the folder; signals to the child reach the command itself. */
  start(command: string[], env: NodeJS.ProcessEnv, output: number): ChildProcess {
    return spawn('nsenter', [...this.#enter, ...command], { env, stdio: ['ignore', output, output] });
  }

  async close(): Promise<void> {
    const ended = once(this.#holder, 'close');
    this.#holder.kill('SIGKILL');
    await ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
