import {
  archiveHourPrefix,
  archiveStreamPrefix,
  hourMs,
  parseArchiveKey,
} from '@millrace/core/archive/key.ts';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Catalog, CatalogProblem } from '../catalog.ts';
import type { ObjectStore } from '../object-store.ts';
import { readFooter } from '../reader.ts';
import { Book, type BookOptions, type MarkFacts, markFacts, markSignature } from './book.ts';
import type { LostObject } from './gaps.ts';
import type { MarksReader } from './ledger.ts';

export interface GatherOptions {
  objects: ObjectStore;
  prefix: string;
  catalog(onProblem: (problem: CatalogProblem) => void): Pick<Catalog, 'entries' | 'streams'>;
  store: MarksReader;
  book: BookOptions;
}

/** What one stream's objects say, and what is missing among them. */
export interface Gathered {
  book: Book;
  lost: LostObject[];
  /** Objects without a readable footer: key and why. */
  unreadable: Map<string, string>;
  /** Nothing of an earlier reading is in it. */
  anew: boolean;
}

/** A book that is kept from one reading to the next, with the objects in it. */
interface Kept {
  book: Book;
  /** By key: what the object's mark said; undefined: it had none. */
  objects: Map<string, string | undefined>;
  unreadable: Map<string, string>;
  sinceMs: number;
  builtMs: number;
}

/** An object may be open for this long: what stands in an hour's objects was read up to so much later. */
const marginMs = hourMs;
/** A kept book is made anew after this: what is older than it was asked for is in it until then. */
const keepMs = 6 * hourMs;

/**
 * Reads the objects of one stream into a book. The next reading adds what is new to the same book: objects never change,
 * and adding one twice changes nothing. An object or a mark that is gone, or a mark that was replaced, makes it begin anew.
 */
export class Gatherer {
  readonly #options: GatherOptions;
  readonly #stream: string;
  #kept: Kept | undefined;

  constructor(options: GatherOptions, stream: string) {
    this.#options = options;
    this.#stream = stream;
  }

  /** Marks are read first: an object that is completed in between has no mark yet, and not a mark without an object. */
  async gather(sinceMs: number, nowMs: number, signal?: AbortSignal): Promise<Gathered> {
    const fromMs = Math.max(0, sinceMs - marginMs);
    const marks = await this.#marks(fromMs, signal);
    const kept = this.#kept;
    this.#kept = undefined;
    const current =
      kept !== undefined && sinceMs >= kept.sinceMs && nowMs - kept.builtMs < keepMs
        ? await this.#goOn(kept, fromMs, marks, signal)
        : undefined;
    const { book, objects, unreadable } =
      current ?? (await this.#anew(sinceMs, nowMs, fromMs, marks, signal));
    const lost: LostObject[] = [];
    for (const [key, { events }] of marks) {
      const hour = parseArchiveKey(key, this.#options.prefix)?.hourMs;
      if (hour === undefined || objects.has(key)) continue;
      const gone = unreadable.has(key) || (await this.#options.objects.size(key, signal)) === undefined;
      if (gone) lost.push({ key, hourMs: hour, events });
    }
    return { book, lost, unreadable, anew: current === undefined };
  }

  async #anew(
    sinceMs: number,
    nowMs: number,
    fromMs: number,
    marks: ReadonlyMap<string, MarkFacts>,
    signal?: AbortSignal,
  ): Promise<Kept> {
    const { catalog, prefix } = this.#options;
    const book = new Book(this.#options.book);
    const kept: Kept = { book, objects: new Map(), unreadable: new Map(), sinceMs, builtMs: nowMs };
    const problems = ({ key, error }: CatalogProblem) => {
      if (parseArchiveKey(key, prefix) !== undefined) kept.unreadable.set(key, messageOf(error));
    };
    for await (const entry of catalog(problems).entries({ stream: this.#stream, fromMs }, signal)) {
      const mark = marks.get(entry.key);
      kept.book.add(entry, mark);
      kept.objects.set(entry.key, mark && markSignature(mark));
    }
    this.#kept = kept;
    return kept;
  }

  /** Undefined when something that is in the book is not there any more. */
  async #goOn(
    kept: Kept,
    fromMs: number,
    marks: ReadonlyMap<string, MarkFacts>,
    signal?: AbortSignal,
  ): Promise<Kept | undefined> {
    const { prefix } = this.#options;
    const listed = await this.#list(fromMs, signal);
    const from = archiveHourPrefix(prefix, this.#stream, fromMs);
    for (const [key, said] of kept.objects) {
      if (key < from) continue;
      if (!listed.has(key)) return undefined;
      const mark = marks.get(key);
      if (said !== undefined && (mark === undefined || markSignature(mark) !== said)) return undefined;
    }
    for (const [key, { bytes, modifiedMs }] of listed) {
      const mark = marks.get(key);
      const known = kept.objects.has(key);
      if (known && (kept.objects.get(key) !== undefined || mark === undefined)) continue;
      if (kept.unreadable.has(key)) continue;
      try {
        const footer = await readFooter(this.#options.objects, key, bytes, signal);
        if (!known) kept.book.add({ key, modifiedMs, footer }, mark);
        else if (mark !== undefined) kept.book.nowMarked({ key, modifiedMs, footer }, mark);
        kept.objects.set(key, mark && markSignature(mark));
      } catch (error) {
        if (!isMillraceError(error, 'ARCHIVE_CORRUPT') && !isMillraceError(error, 'WIRE_UNSUPPORTED'))
          throw error;
        kept.unreadable.set(key, error.message);
      }
    }
    this.#kept = kept;
    return kept;
  }

  async #list(
    fromMs: number,
    signal?: AbortSignal,
  ): Promise<Map<string, { bytes: number; modifiedMs: number }>> {
    const { objects, prefix } = this.#options;
    const root = archiveStreamPrefix(prefix, this.#stream);
    const listed = new Map<string, { bytes: number; modifiedMs: number }>();
    let after: string | undefined = archiveHourPrefix(prefix, this.#stream, fromMs);
    for (let more = true; more; ) {
      const page: Awaited<ReturnType<ObjectStore['list']>> = await objects.list(root, after, signal);
      for (const { key, bytes, modifiedMs } of page.objects) {
        if (parseArchiveKey(key, prefix) !== undefined) listed.set(key, { bytes, modifiedMs });
      }
      after = page.objects.at(-1)?.key ?? after;
      more = page.more;
    }
    return listed;
  }

  async #marks(fromMs: number, signal?: AbortSignal): Promise<Map<string, MarkFacts>> {
    const { store, prefix } = this.#options;
    const root = archiveStreamPrefix(prefix, this.#stream);
    const marks = new Map<string, MarkFacts>();
    let after = archiveHourPrefix(prefix, this.#stream, fromMs);
    for (;;) {
      const page = await store.marks({ prefix: root, after, size: 1_000 }, signal);
      for (const mark of page) marks.set(mark.object, markFacts(mark));
      after = page.at(-1)?.object ?? after;
      if (page.length < 1_000) return marks;
    }
  }
}
