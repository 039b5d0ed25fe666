import type { CatalogProblem } from '@millrace/archive/catalog.ts';
import { parseArchiveKey } from '@millrace/core/archive/key.ts';

/** What a catalog could not read: each is told once, however often its objects are gone through. */
export class CatalogProblems {
  readonly #prefix: string;
  readonly #tell: (where: string, error: string) => void;
  readonly #told = new Set<string>();
  /** Objects that are not in the catalog's list, because they have no readable footer. */
  readonly unlisted = new Set<string>();

  /** `prefix`: of the archive. */
  constructor(prefix: string, tell: (where: string, error: string) => void) {
    this.#prefix = prefix;
    this.#tell = tell;
  }

  add({ key, error }: CatalogProblem): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    // Others are manifests: a cache.
    if (parseArchiveKey(key, this.#prefix) !== undefined) this.unlisted.add(key);
    this.#tell(key, error.message);
  }
}
