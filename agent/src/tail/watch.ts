import { type FSWatcher, statfsSync, watch } from 'node:fs';
import { messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';

/** More changes than this within a second: looking every tick costs less than hearing of each. */
const changesMax = 20;
/** After the system refused a watch (its limit is reached) none is asked for during this. */
const refusedMs = 60_000;

/**
 * Types (statfs) of file systems where others write too, of which this kernel hears nothing: NFS, SMB1, SMB2, CIFS,
 * FUSE, 9p, Ceph, AFS, Lustre, GFS2, OCFS2, GPFS, vboxsf, HGFS.
 */
const sharedTypes = new Set([
  0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997, 0x00c36400, 0x5346414f, 0x0bd00bd0,
  0x01161970, 0x7461636f, 0x47504653, 0x786f4256, 0xbacbacbc,
]);

interface Entry {
  watcher: FSWatcher;
  since: number;
  changes: number;
}

/**
 * Hears through inotify when files change that are quiet, so that nobody has to ask each of them. It watches inodes,
 * not names: a file that is renamed goes on being watched. What cannot be watched is `false`, and polled.
 */
export class ChangeWatch<T extends object> {
  readonly #onChange: (item: T, event: string) => void;
  readonly #clock: Clock;
  readonly #telemetry: AgentTelemetry;
  readonly #entries = new Map<T, Entry>();
  /** By device number. */
  readonly #shared = new Map<string, boolean>();
  #refusedUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, telemetry: AgentTelemetry, onChange: (item: T, event: string) => void) {
    this.#clock = clock;
    this.#telemetry = telemetry;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(item: T): boolean {
    return this.#entries.has(item);
  }

  /** True when changes of the file that `path` leads to will be heard. What came before this is for the caller. */
  add(item: T, path: string | Buffer, device: string): boolean {
    if (this.#entries.has(item)) return true;
    const now = this.#clock.monotonic();
    if (process.platform !== 'linux' || now < this.#refusedUntil) return false;
    try {
      if (this.#isShared(path, device)) return false;
      const watcher = watch(path, { persistent: false }, (event) => this.#changed(item, event));
      watcher.on('error', () => {
        this.remove(item);
        this.#onChange(item, 'error');
      });
      this.#entries.set(item, { watcher, since: now, changes: 0 });
      return true;
    } catch (error) {
      if (/^(ENOSPC|EMFILE|ENFILE|ENOMEM)$/.test(String((error as NodeJS.ErrnoException).code))) {
        this.#refusedUntil = now + refusedMs;
        this.#telemetry.emit('watch_refused', { watched: this.#entries.size, error: messageOf(error) });
      }
      return false;
    }
  }

  remove(item: T): void {
    const entry = this.#entries.get(item);
    if (entry === undefined) return;
    this.#entries.delete(item);
    entry.watcher.close();
  }

  close(): void {
    for (const item of [...this.#entries.keys()]) this.remove(item);
  }

  #changed(item: T, event: string): void {
    const entry = this.#entries.get(item);
    if (entry === undefined) return;
    const now = this.#clock.monotonic();
    if (now - entry.since > 1000) {
      entry.since = now;
      entry.changes = 0;
    }
    entry.changes++;
    if (entry.changes > changesMax) this.remove(item);
    this.#onChange(item, event);
  }

  #isShared(path: string | Buffer, device: string): boolean {
    const known = this.#shared.get(device);
    if (known !== undefined) return known;
    const shared = sharedTypes.has(statfsSync(path).type >>> 0);
    this.#shared.set(device, shared);
    return shared;
  }
}
