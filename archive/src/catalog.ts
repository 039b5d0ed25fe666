import { decodeFooter } from '@millrace/core/archive/decode-footer.ts';
import type { Footer } from '@millrace/core/archive/footer.ts';
import {
  archiveHourPrefix,
  archiveStreamPrefix,
  hourMs,
  parseArchiveKey,
} from '@millrace/core/archive/key.ts';
import { isMillraceError } from '@millrace/core/errors.ts';
import { isStreamName } from '@millrace/core/ids/stream-name.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { FooterCache } from './footer-cache.ts';
import { inParallel } from './in-parallel.ts';
import { type HourManifests, Manifests } from './manifests.ts';
import type { ObjectStore } from './object-store.ts';
import { readFooterFrame } from './reader.ts';
import { retried } from './retried.ts';

/** One archive object and what its footer says. */
export interface CatalogEntry {
  key: string;
  bytes: number;
  modifiedMs: number;
  footer: Footer;
}

/**
 * Objects by the arrival hour in their key: those whose hour ends after `fromMs` and begins before `toMs`
 * (milliseconds since 1970; absent: no bound). The hour is of the object's first block: later ones lie in it too.
 */
export interface CatalogWindow {
  stream: string;
  fromMs?: number;
  toMs?: number;
}

export interface CatalogOptions {
  objects: ObjectStore;
  /** Archive prefix. */
  prefix: string;
  clock: Clock;
  /** Told of each object that is there but has no readable footer, and of manifests that could not be used. */
  onProblem(problem: CatalogProblem): void;
  /** Decoded footers kept, rough bytes. */
  memoryBytesMax?: number;
  /** Footers fetched at a time. */
  parallel?: number;
  /** `write` (default): hours that are over get a manifest; `read`: only for those that have one. */
  manifests?: 'write' | 'read' | 'off';
}

export interface CatalogProblem {
  key: string;
  error: Error;
}

/** One archive object as it is listed, its footer not read. */
export interface Listed {
  key: string;
  bytes: number;
  modifiedMs: number;
}

/** The archive's objects with their footers, through a cache in memory and one in the bucket (D6: manifests). */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #cache: FooterCache;
  readonly #manifests: Manifests;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#cache = new FooterCache(options.memoryBytesMax ?? 64 * 1024 * 1024);
    this.#manifests = new Manifests(options, options.manifests ?? 'write');
  }

  /** Streams that have objects. @throws MillraceError ARCHIVE_UNAVAILABLE */
  async streams(signal?: AbortSignal): Promise<string[]> {
    const root = `${this.#options.prefix}archive/`;
    const folders = await retried(
      this.#options.clock,
      () => this.#options.objects.folders(root, signal),
      signal,
    );
    return folders.map((folder) => folder.slice(root.length, -1)).filter(isStreamName);
  }

  /**
   * The objects of a window in key order. An object without a readable footer goes to `onProblem`, not into the list.
   * @throws MillraceError ARCHIVE_UNAVAILABLE when S3 does not answer: the list is not complete then
   */
  async *entries(
    window: CatalogWindow,
    signal?: AbortSignal,
    onProblem: (problem: CatalogProblem) => void = this.#options.onProblem,
  ): AsyncGenerator<CatalogEntry> {
    const hours = this.#manifests.walk(window);
    for await (const page of this.pages(window, signal)) {
      for (const [hour, listed] of byHour(page, this.#options.prefix)) {
        const missing = listed.some(({ key }) => this.#cache.get(key) === undefined);
        const manifests = await hours.at(hour, missing, signal);
        yield* this.#withFooters(listed, manifests, onProblem, signal);
      }
    }
    await hours.end();
  }

  /** The objects of a window in key order, in pages, readable or not. @throws MillraceError ARCHIVE_UNAVAILABLE */
  async *pages(window: CatalogWindow, signal?: AbortSignal): AsyncGenerator<Listed[]> {
    const { objects, prefix } = this.#options;
    const root = archiveStreamPrefix(prefix, window.stream);
    // Keys begin with the arrival hour: the window is a stretch of the key order.
    let after =
      window.fromMs === undefined ? undefined : archiveHourPrefix(prefix, window.stream, window.fromMs);
    const end = window.toMs === undefined ? undefined : ceilHour(window.toMs);
    for (let more = true; more; ) {
      signal?.throwIfAborted();
      const page = await retried(this.#options.clock, () => objects.list(root, after, signal), signal);
      const inside = page.objects.filter(({ key }) => {
        const hour = parseArchiveKey(key, prefix)?.hourMs;
        return hour !== undefined && (end === undefined || hour < end);
      });
      yield inside;
      after = page.objects.at(-1)?.key;
      const last = after === undefined ? undefined : parseArchiveKey(after, prefix)?.hourMs;
      more = page.more && (end === undefined || last === undefined || last < end);
    }
  }

  /** Footers are fetched a few at a time and given in the order of the list. */
  async *#withFooters(
    listed: Listed[],
    manifests: HourManifests,
    onProblem: (problem: CatalogProblem) => void,
    signal?: AbortSignal,
  ): AsyncGenerator<CatalogEntry> {
    const footers = inParallel(listed, this.#options.parallel ?? 8, (item) =>
      this.#entry(item, manifests, onProblem, signal),
    );
    for await (const entry of footers) if (entry !== undefined) yield entry;
  }

  async #entry(
    item: Listed,
    manifests: HourManifests,
    onProblem: (problem: CatalogProblem) => void,
    signal?: AbortSignal,
  ): Promise<CatalogEntry | undefined> {
    const { key, bytes, modifiedMs } = item;
    const known = this.#cache.get(key);
    if (known !== undefined) return { key, bytes, modifiedMs, footer: known };
    try {
      const { objects, clock } = this.#options;
      const kept = manifests.frame(key, bytes);
      const frame =
        kept ?? (await retried(clock, () => readFooterFrame(objects, key, bytes, signal), signal));
      const footer = decodeFooter(frame, bytes - frame.length);
      if (kept === undefined) manifests.add(key, bytes, frame);
      this.#cache.set(key, footer);
      return { key, bytes, modifiedMs, footer };
    } catch (error) {
      if (!isMillraceError(error, 'ARCHIVE_CORRUPT') && !isMillraceError(error, 'WIRE_UNSUPPORTED'))
        throw error;
      onProblem({ key, error });
      return undefined;
    }
  }
}

function byHour(page: Listed[], prefix: string): Map<number, Listed[]> {
  const hours = new Map<number, Listed[]>();
  for (const item of page) {
    const hour = parseArchiveKey(item.key, prefix)?.hourMs ?? 0;
    const list = hours.get(hour);
    if (list === undefined) hours.set(hour, [item]);
    else list.push(item);
  }
  return hours;
}

function ceilHour(ms: number): number {
  return Math.ceil(ms / hourMs) * hourMs;
}
