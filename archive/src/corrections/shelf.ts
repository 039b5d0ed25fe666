import { MillraceError } from '@millrace/core/errors.ts';
import type { ObjectStore } from '../object-store.ts';
import { type Correction, decodeCorrection, encodeCorrection } from './correction.ts';
import { Corrections } from './corrections.ts';

/** What the bucket says of one correction. */
export interface ShelfEntry {
  correction: Correction;
  withdrawn: boolean;
  /** The store has been brought in line with it, and with its withdrawal. */
  applied: boolean;
}

/** Beside a correction: what has happened to it. */
type Note = 'withdrawn' | 'applied' | 'undone';

/** The corrections in the bucket: `<prefix>rules/<stream>/<number>.json.zst`, and notes beside them. */
export class CorrectionShelf {
  readonly #objects: ObjectStore;
  readonly #prefix: string;
  readonly #read = new Map<string, Correction>();
  readonly #last = new Map<string, { listing: string; corrections: Corrections }>();

  constructor(objects: ObjectStore, prefix: string) {
    this.#objects = objects;
    this.#prefix = prefix;
  }

  /**
   * The corrections of a stream as they are now; costs one listing while nothing changes.
   * @throws MillraceError ARCHIVE_UNAVAILABLE, ARCHIVE_CORRUPT, RULE_INVALID: going on without one would be wrong
   */
  async load(stream: string, signal?: AbortSignal): Promise<Corrections> {
    const names = await this.#names(stream, signal);
    const listing = names.join('\n');
    const last = this.#last.get(stream);
    if (last?.listing === listing) return last.corrections;
    const corrections = new Corrections(await this.#entries(stream, names, signal));
    this.#last.set(stream, { listing, corrections });
    return corrections;
  }

  async list(stream: string, signal?: AbortSignal): Promise<ShelfEntry[]> {
    return this.#entries(stream, await this.#names(stream, signal), signal);
  }

  async streams(signal?: AbortSignal): Promise<string[]> {
    const root = `${this.#prefix}rules/`;
    return (await this.#objects.folders(root, signal)).map((folder) => folder.slice(root.length, -1));
  }

  /** Stores a correction under the next number that is free. */
  async add(correction: Omit<Correction, 'number' | 'v'>, signal?: AbortSignal): Promise<Correction> {
    const { stream } = correction;
    const taken = (await this.#names(stream, signal)).map((name) => Number.parseInt(name, 10));
    for (let number = Math.max(0, ...taken) + 1; ; number++) {
      const numbered: Correction = { v: 1, number, ...correction };
      const body = encodeCorrection(numbered);
      const key = this.#key(stream, `${padded(number)}.json.zst`);
      if ((await this.#objects.put(key, body, signal)) === 'created') return numbered;
      // After an answer that was lost the object there is ours.
      const there = await this.#objects.size(key, signal);
      if (there === body.length && (await this.#objects.read(key, 0, there, signal))?.equals(body))
        return numbered;
    }
  }

  /** Notes something beside a correction; no error when it is noted already. */
  async note(stream: string, number: number, note: Note, signal?: AbortSignal): Promise<void> {
    await this.#objects.put(this.#key(stream, `${padded(number)}.${note}`), Buffer.from('{}\n'), signal);
  }

  #key(stream: string, name: string): string {
    return `${this.#prefix}rules/${stream}/${name}`;
  }

  async #names(stream: string, signal?: AbortSignal): Promise<string[]> {
    const root = this.#key(stream, '');
    const names: string[] = [];
    for (let after: string | undefined, more = true; more; ) {
      const page = await this.#objects.list(root, after, signal);
      names.push(...page.objects.map(({ key }) => key.slice(root.length)));
      after = page.objects.at(-1)?.key;
      more = page.more;
    }
    return names.filter((name) => namePattern.test(name));
  }

  async #entries(stream: string, names: string[], signal?: AbortSignal): Promise<ShelfEntry[]> {
    const notes = new Set(names);
    const entries: ShelfEntry[] = [];
    for (const name of names.filter((candidate) => candidate.endsWith('.json.zst'))) {
      const correction = await this.#correction(this.#key(stream, name), signal);
      const number = padded(correction.number);
      const withdrawn = notes.has(`${number}.withdrawn`);
      const applied = notes.has(`${number}.${withdrawn ? 'undone' : 'applied'}`);
      entries.push({ correction, withdrawn, applied });
    }
    return entries;
  }

  async #correction(key: string, signal?: AbortSignal): Promise<Correction> {
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    const size = await this.#objects.size(key, signal);
    const bytes = size === undefined ? undefined : await this.#objects.read(key, 0, size, signal);
    if (bytes === undefined) throw new MillraceError('ARCHIVE_UNAVAILABLE', `${key} is listed but not there`);
    const correction = decodeCorrection(bytes, key);
    this.#read.set(key, correction);
    return correction;
  }
}

const namePattern = /^\d{10}\.(json\.zst|withdrawn|applied|undone)$/;

function padded(number: number): string {
  return String(number).padStart(10, '0');
}
