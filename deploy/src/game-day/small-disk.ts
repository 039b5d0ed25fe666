import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '@millrace/core/errors.ts';

/** Room for the agent's outbox of 32 MB and its positions. */
const size = '128m';

/** A file system of its own in a folder, which can be filled without harm to others. */
export class SmallDisk {
  readonly #folder: string;
  readonly #filler: string;

  /** @throws MillraceError USAGE where none can be mounted */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
    if (mounted.status !== 0) {
      throw new MillraceError(
        'USAGE',
        'game-day: disk-full needs a small file system, which only root may mount',
        {
          hint: 'run it as root on Linux, or leave this one out: --without disk-full',
        },
      );
    }
    this.#folder = folder;
    this.#filler = join(folder, 'filler');
  }

  /** Writes until there is no room. */
  fill(): void {
    try {
      for (let free = this.#freeBytes(); free > 0; free = this.#freeBytes())
        appendFileSync(this.#filler, Buffer.alloc(Math.min(free, 2 ** 20)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.#folder]);
  }

  #freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize;
  }
}
