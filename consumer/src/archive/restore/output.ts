import { createHash, type Hash } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Life } from './plan.ts';

/** Where restored files go: a folder for any number of lives, or one file for one. */
export interface Target {
  folder: string;
  /** Name of the one file; absent: a name for each life. */
  name?: string;
}

/**
 * `out` is a folder when it is one, or ends with `/`, or several lives go there.
 * @throws MillraceError USAGE when a file cannot hold them, or is there already
 */
export async function targetOf(out: string, lives: Life[], force: boolean): Promise<Target> {
  const there = await lstat(out).catch(() => undefined);
  if (there?.isDirectory() || out.endsWith('/')) return { folder: out };
  if (lives.length > 1) {
    throw new MillraceError(
      'USAGE',
      `--out ${out}: ${lives.length} lives of the file do not go into one file`,
      {
        hint: `write --out ${out}/ for a folder, or choose one with --generation`,
      },
    );
  }
  if (there !== undefined && !force) {
    throw new MillraceError('USAGE', `--out ${out} is there already`, { hint: 'add --force to replace it' });
  }
  return { folder: dirname(out), name: basename(out) };
}

/** A name that leads nowhere else, whatever bytes the path in the archive has. */
export function fileNameOf(life: Life): string {
  const last = life.path.split('/').at(-1) ?? '';
  const plain = last.replaceAll(/[\u0000-\u001f\u007f-\u009f/\\]/g, '_').replace(/^\.+/, '_');
  return `${Buffer.from(plain).subarray(0, 150).toString('utf8').replaceAll('\ufffd', '_') || 'file'}-${life.generation}`;
}

const leftover = /^\.millrace-restore-(\d+)-[0-9a-f]+$/;

/** Makes the folder, and removes what a restore that was killed had left in it. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) {
      const pid = leftover.exec(name)?.[1];
      if (pid !== undefined && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
    }
  } catch (cause) {
    throw new MillraceError('USAGE', `--out ${folder}: ${messageOf(cause)}`, { cause });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A file with a name of its own that becomes the one it is meant to be at once, or nothing. */
export class Draft {
  readonly path: string;
  readonly #file: Awaited<ReturnType<typeof open>>;
  readonly #sum: Hash | undefined;
  #size = 0;

  private constructor(path: string, file: Awaited<ReturnType<typeof open>>, sum: Hash | undefined) {
    this.path = path;
    this.#file = file;
    this.#sum = sum;
  }

  /** `random`: 8 bytes or so. `summed`: for one that will be finished. */
  static async create(folder: string, random: Uint8Array, summed: boolean): Promise<Draft> {
    const name = `.millrace-restore-${process.pid}-${Buffer.from(random).toString('hex')}`;
    const path = join(folder, name);
    // x: never through a link that somebody else made.
    return new Draft(path, await open(path, 'wx+', 0o600), summed ? createHash('sha256') : undefined);
  }

  get size(): number {
    return this.#size;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#sum?.update(bytes);
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#size + done);
      done += bytesWritten;
    }
    this.#size += bytes.length;
  }

  async read(at: number, size: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(size);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await this.#file.read(bytes, done, size - done, at + done);
      if (bytesRead === 0) throw new TypeError('the spool is shorter than what was written');
      done += bytesRead;
    }
    return bytes;
  }

  /** Gives it its name; returns the SHA-256 of its bytes, hexadecimal. */
  async finish(path: string): Promise<string> {
    await this.#file.sync();
    await this.#file.close();
    await rename(this.path, path);
    return this.#sum?.digest('hex') ?? '';
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.path, { force: true });
  }
}
