import { createHash } from 'node:crypto';
import { archiveHourPrefix, hourMs } from '@millrace/core/archive/key.ts';
import {
  decodeManifest,
  encodeManifest,
  type ManifestEntry,
  manifestBytesMax,
  manifestHour,
  manifestHourPrefix,
  manifestStreamPrefix,
} from '@millrace/core/archive/manifest.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ObjectStore } from './object-store.ts';

export interface ManifestsOptions {
  objects: ObjectStore;
  prefix: string;
  clock: Clock;
  onProblem(problem: { key: string; error: Error }): void;
}

/** An hour gets a manifest when it has been over for so long: most of what belongs to it is there. */
const settledMs = 2 * hourMs;
/** Fewer footers are fetched one by one. */
const entriesMin = 4;
/** Frames that wait to be written, and those held of what was read. */
const writeBytes = 8 * 1024 * 1024;
const hourBytesMax = 64 * 1024 * 1024;

/** The manifests of one hour: what they know, and what they will know. */
export interface HourManifests {
  /** The footer frame of an object of this size; undefined when no manifest has it. */
  frame(key: string, bytes: number): Buffer | undefined;
  add(key: string, bytes: number, frame: Buffer): void;
}

/** Reads and writes manifests. They are a cache: what goes wrong with them is told, and footers are fetched. */
export class Manifests {
  readonly #options: ManifestsOptions;
  readonly #mode: 'write' | 'read' | 'off';
  #writing: boolean;

  constructor(options: ManifestsOptions, mode: 'write' | 'read' | 'off') {
    this.#options = options;
    this.#mode = mode;
    this.#writing = mode === 'write';
  }

  /** For one walk through the hours of a stream, in ascending order. */
  walk(window: { stream: string; fromMs?: number }): HourWalk {
    const listed = this.#mode === 'off' ? undefined : new ManifestList(this.#options, window);
    return new HourWalk(this.#options, window.stream, listed, (key, body) => this.#write(key, body));
  }

  async #write(key: string, body: Buffer): Promise<void> {
    if (!this.#writing) return;
    try {
      await this.#options.objects.put(key, body);
    } catch (cause) {
      // Likely a reader that may not write: it is told once.
      this.#writing = false;
      const message = `not written: ${messageOf(cause)}`;
      this.#options.onProblem({ key, error: new MillraceError('ARCHIVE_UNAVAILABLE', message, { cause }) });
    }
  }
}

export class HourWalk {
  readonly #options: ManifestsOptions;
  readonly #stream: string;
  readonly #list: ManifestList | undefined;
  readonly #write: (key: string, body: Buffer) => Promise<void>;
  #hour: Hour | undefined;

  constructor(
    options: ManifestsOptions,
    stream: string,
    list: ManifestList | undefined,
    write: (key: string, body: Buffer) => Promise<void>,
  ) {
    this.#options = options;
    this.#stream = stream;
    this.#list = list;
    this.#write = write;
  }

  /** The manifests of the hour that begins at `startMs`, read only when a footer is `missing`. */
  async at(startMs: number, missing: boolean, signal?: AbortSignal): Promise<HourManifests> {
    if (this.#hour?.startMs !== startMs) {
      await this.end();
      this.#hour = new Hour(this.#options.prefix, this.#stream, startMs);
    }
    const hour = this.#hour;
    if (missing && !hour.read && this.#list !== undefined) {
      hour.read = true;
      for (const entries of await this.#list.of(startMs, signal)) hour.known(entries);
    }
    if (hour.freshBytes >= writeBytes) await this.#flush(hour);
    return hour;
  }

  /** Writes what the last hour's manifests did not know, if the hour is over. */
  async end(): Promise<void> {
    const hour = this.#hour;
    if (hour === undefined || this.#list === undefined) return;
    if (hour.fresh.length >= entriesMin) await this.#flush(hour);
  }

  async #flush(hour: Hour): Promise<void> {
    const entries = hour.take();
    if (this.#options.clock.now() < hour.startMs + hourMs + settledMs) return;
    const body = encodeManifest(entries);
    const name = createHash('sha256').update(body).digest('hex').slice(0, 16);
    await this.#write(
      `${manifestHourPrefix(this.#options.prefix, this.#stream, hour.startMs)}${name}.mrm`,
      body,
    );
  }
}

class Hour implements HourManifests {
  readonly startMs: number;
  readonly #folder: string;
  readonly #known = new Map<string, { bytes: number; frame: Uint8Array }>();
  fresh: ManifestEntry[] = [];
  freshBytes = 0;
  read = false;

  constructor(prefix: string, stream: string, startMs: number) {
    this.startMs = startMs;
    this.#folder = archiveHourPrefix(prefix, stream, startMs);
  }

  known(entries: ManifestEntry[]): void {
    for (const { name, bytes, frame } of entries) this.#known.set(name, { bytes, frame });
  }

  frame(key: string, bytes: number): Buffer | undefined {
    const entry = this.#known.get(key.slice(this.#folder.length));
    if (entry?.bytes !== bytes) return undefined;
    return Buffer.from(entry.frame.buffer, entry.frame.byteOffset, entry.frame.length);
  }

  add(key: string, bytes: number, frame: Buffer): void {
    if (this.freshBytes > hourBytesMax) return;
    // A copy: the frame is a view of the 64 KiB that were read.
    this.fresh.push({ name: key.slice(this.#folder.length), bytes, frame: Buffer.from(frame) });
    this.freshBytes += frame.length;
  }

  take(): ManifestEntry[] {
    const entries = this.fresh.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.fresh = [];
    this.freshBytes = 0;
    return entries;
  }
}

/** The keys of a stream's manifests, listed once, in step with the hours. */
class ManifestList {
  readonly #options: ManifestsOptions;
  readonly #root: string;
  readonly #hours = new Map<number, { key: string; bytes: number }[]>();
  #after: string | undefined;
  #more = true;
  #upToMs = Number.NEGATIVE_INFINITY;

  constructor(options: ManifestsOptions, window: { stream: string; fromMs?: number }) {
    this.#options = options;
    this.#root = manifestStreamPrefix(options.prefix, window.stream);
    if (window.fromMs !== undefined) {
      this.#after = manifestHourPrefix(options.prefix, window.stream, window.fromMs);
    }
  }

  async of(startMs: number, signal?: AbortSignal): Promise<ManifestEntry[][]> {
    try {
      while (this.#more && this.#upToMs <= startMs) await this.#page(signal);
    } catch (error) {
      this.#more = false;
      this.#report(this.#root, error);
    }
    const manifests: ManifestEntry[][] = [];
    let total = 0;
    for (const { key, bytes } of this.#hours.get(startMs) ?? []) {
      total += bytes;
      if (bytes > manifestBytesMax || total > hourBytesMax) continue;
      try {
        const body = await this.#options.objects.read(key, 0, bytes, signal);
        if (body !== undefined) manifests.push(decodeManifest(body));
      } catch (error) {
        this.#report(key, error);
      }
    }
    for (const hour of this.#hours.keys()) if (hour <= startMs) this.#hours.delete(hour);
    return manifests;
  }

  async #page(signal?: AbortSignal): Promise<void> {
    const page = await this.#options.objects.list(this.#root, this.#after, signal);
    for (const { key, bytes } of page.objects) {
      const hour = manifestHour(key, this.#options.prefix);
      if (hour === undefined) continue;
      this.#upToMs = hour;
      const list = this.#hours.get(hour);
      if (list === undefined) this.#hours.set(hour, [{ key, bytes }]);
      else list.push({ key, bytes });
    }
    this.#after = page.objects.at(-1)?.key;
    this.#more = page.more;
  }

  #report(key: string, error: unknown): void {
    const known = error instanceof Error ? error : new Error(String(error));
    this.#options.onProblem({ key, error: known });
  }
}
