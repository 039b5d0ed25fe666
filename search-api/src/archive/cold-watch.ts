import { Catalog, type CatalogEntry, type Listed } from '@millrace/archive/catalog.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readFooter } from '@millrace/archive/reader.ts';
import { retried } from '@millrace/archive/retried.ts';
import { dateStartMs } from '@millrace/core/document/index-name.ts';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { KnownMarks } from './known-marks.ts';

/** What of the archive the store does not have. */
export interface Cold {
  /** Per stream the first date that the store has, `YYYY.MM.DD`. */
  horizons: ReadonlyMap<string, string>;
  /** Objects whose events the store has not answered for. */
  unmarked: readonly CatalogEntry[];
  /** Streams with more such objects than are kept: all of theirs count. */
  whole: ReadonlySet<string>;
  /** Objects without a mark whose footers cannot be read. */
  unreadable: readonly { stream: string; message: string }[];
}

export interface ColdWatchOptions {
  objects: ObjectStore;
  /** Archive prefix. */
  prefix: string;
  store: Pick<Store, 'horizons' | 'marked'>;
  clock: Clock;
  /** Between two looks, milliseconds. */
  freshMs: number;
  /** A younger object is still being indexed: the store has its events as soon as the archive, or nearly. */
  settleMs: number;
  /** Objects of one stream whose footers are kept. */
  objectsMax: number;
  onFailure(error: unknown): void;
}

/** An object may be open, and on its way, for so long after the hour of its key began. */
const recentMs = 6 * 3_600_000;
/** All objects are looked at again after this: marks go where a store is lost. */
const wholeMs = 600_000;
/** What is known stands so long where nothing newer can be read. */
const staleMs = 300_000;
const firstWaitMs = 3_000;

/**
 * Knows which objects the store has no mark of, so that a search need not ask. It lists what arrived lately again and
 * again, and everything now and then.
 */
export class ColdWatch {
  readonly #options: ColdWatchOptions;
  readonly #catalog: Catalog;
  readonly #marks: KnownMarks;
  readonly #stop = new AbortController();
  readonly #unmarked = new Map<string, Map<string, Listed>>();
  readonly #entries = new Map<string, CatalogEntry | undefined>();
  #wholeAtMs = Number.NEGATIVE_INFINITY;
  #known: Cold | undefined;
  /** When it was read, or first could not be. */
  #lookedMs: number | undefined;
  #reading: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ColdWatchOptions) {
    this.#options = options;
    this.#catalog = new Catalog({ ...options, onProblem: () => {}, manifests: 'off' });
    this.#marks = new KnownMarks(options.store);
  }

  /** What is known, some seconds old; undefined: it cannot be told. The first who ask wait a little for it. */
  async known(): Promise<Cold | undefined> {
    const { clock } = this.#options;
    if (this.#lookedMs === undefined) {
      const waited = new AbortController();
      await Promise.race([this.look(), clock.sleep(firstWaitMs, waited.signal)]);
      waited.abort();
    }
    return this.#known;
  }

  start(): void {
    const { clock, freshMs } = this.#options;
    const { signal } = this.#stop;
    this.#running ??= (async () => {
      while (!signal.aborted) {
        await this.look();
        await clock.sleep(freshMs, signal);
      }
    })();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One look; those who ask meanwhile wait for the same. */
  look(): Promise<void> {
    const { clock } = this.#options;
    this.#reading ??= this.#look()
      .then(
        (cold) => {
          this.#known = cold;
          this.#lookedMs = clock.monotonic();
        },
        (error: unknown) => {
          // What was known a while ago is better than nothing, for a while.
          this.#lookedMs ??= clock.monotonic();
          if (clock.monotonic() - this.#lookedMs > staleMs) this.#known = undefined;
          if (!this.#stop.signal.aborted) this.#options.onFailure(error);
        },
      )
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #look(): Promise<Cold> {
    const { store, clock, objectsMax } = this.#options;
    const { signal } = this.#stop;
    const horizons = await store.horizons(signal);
    const whole = clock.monotonic() - this.#wholeAtMs >= wholeMs;
    if (whole) {
      this.#unmarked.clear();
      this.#marks.keep(new Set());
    }
    const marked = new Set<string>();
    for (const stream of await this.#catalog.streams(signal))
      await this.#lookAt(stream, horizons.get(stream), whole, marked);
    this.#marks.keep(marked);
    if (whole) this.#wholeAtMs = clock.monotonic();
    const cold = {
      horizons,
      unmarked: [] as CatalogEntry[],
      whole: new Set<string>(),
      unreadable: [] as { stream: string; message: string }[],
    };
    for (const [stream, listed] of this.#unmarked) {
      if (listed.size > objectsMax) cold.whole.add(stream);
      else for (const item of listed.values()) await this.#entry(stream, item, cold);
    }
    const unmarked = new Set([...this.#unmarked.values()].flatMap((listed) => [...listed.keys()]));
    for (const key of this.#entries.keys()) if (!unmarked.has(key)) this.#entries.delete(key);
    return cold;
  }

  async #lookAt(
    stream: string,
    horizon: string | undefined,
    whole: boolean,
    marked: Set<string>,
  ): Promise<void> {
    const { clock, settleMs } = this.#options;
    const { signal } = this.#stop;
    const nowMs = clock.now();
    const unmarked = this.#unmarked.get(stream) ?? new Map<string, Listed>();
    this.#unmarked.set(stream, unmarked);
    const before = [...unmarked.keys()];
    for (const key of await this.#marks.among(before, signal)) unmarked.delete(key);
    // Days before the horizon are looked for in the archive anyway.
    const hotMs = horizon === undefined ? 0 : dateStartMs(horizon);
    const recent = nowMs - recentMs;
    const window = { stream, fromMs: whole ? hotMs : Math.max(hotMs, recent) };
    for await (const page of this.#catalog.pages(window, signal)) {
      const settled = page.filter(({ modifiedMs }) => modifiedMs <= nowMs - settleMs);
      const known = await this.#marks.among(
        settled.map(({ key }) => key),
        signal,
      );
      for (const item of settled) {
        if (!known.has(item.key)) unmarked.set(item.key, item);
        // Older ones come again with the next look at everything only.
        else if (item.modifiedMs >= recent) marked.add(item.key);
      }
    }
  }

  async #entry(
    stream: string,
    { key, bytes, modifiedMs }: Listed,
    cold: { unmarked: CatalogEntry[]; unreadable: { stream: string; message: string }[] },
  ): Promise<void> {
    const { objects, clock } = this.#options;
    const { signal } = this.#stop;
    if (!this.#entries.has(key)) {
      try {
        const footer = await retried(clock, () => readFooter(objects, key, bytes, signal), signal);
        this.#entries.set(key, { key, bytes, modifiedMs, footer });
      } catch (error) {
        if (!isMillraceError(error, 'ARCHIVE_CORRUPT') && !isMillraceError(error, 'WIRE_UNSUPPORTED'))
          throw error;
        this.#entries.set(key, undefined);
        cold.unreadable.push({ stream, message: `${key}: ${messageOf(error)}` });
        return;
      }
    }
    const entry = this.#entries.get(key);
    if (entry === undefined) cold.unreadable.push({ stream, message: key });
    else cold.unmarked.push(entry);
  }
}
