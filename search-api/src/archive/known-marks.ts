import type { Store } from '@millrace/core/store/port.ts';

/** Object keys asked of the store at a time. */
const keysMax = 1_000;

/** Which objects have a mark. What has one keeps it: only of the others the store is asked again. */
export class KnownMarks {
  readonly #store: Pick<Store, 'marked'>;
  #known: ReadonlySet<string> = new Set();

  constructor(store: Pick<Store, 'marked'>) {
    this.#store = store;
  }

  /** Those of the keys that have a mark. @throws MillraceError STORE_UNAVAILABLE */
  async among(keys: readonly string[], signal?: AbortSignal): Promise<Set<string>> {
    const marked = new Set(keys.filter((key) => this.#known.has(key)));
    const unknown = keys.filter((key) => !marked.has(key));
    for (let i = 0; i < unknown.length; i += keysMax)
      for (const key of await this.#store.marked(unknown.slice(i, i + keysMax), signal)) marked.add(key);
    return marked;
  }

  /** Remembers these alone, so that what is known does not grow. */
  keep(marked: ReadonlySet<string>): void {
    this.#known = marked;
  }
}
