import type { TailSource } from '../config/pipeline.ts';
import type { Outbox } from '../state/outbox.ts';
import { expandGlobs } from './scanner.ts';

/**
 * Which files begin at their end, as fluentd's do without read_from_head: those that are present when the agent
 * follows a pattern for the first time. Patterns are remembered, not sources: a file of a pattern that was followed
 * before is new, and read from its head.
 */
export class FirstLook {
  readonly #outbox: Outbox;
  readonly #sources: TailSource[];
  readonly #known: ReadonlySet<string>;
  readonly #none: boolean;

  /** `none`: every file is read from its head. */
  constructor(outbox: Outbox, sources: TailSource[], none: boolean) {
    this.#outbox = outbox;
    this.#sources = sources;
    this.#none = none;
    // A store of an agent that kept no patterns: it followed those that are there now.
    const all = outbox.fresh ? [] : sources.flatMap(patternsOf);
    this.#known = new Set(outbox.knownPatterns() ?? all);
  }

  /** None of its patterns was followed before. */
  isNew(source: TailSource): boolean {
    return !patternsOf(source).some((pattern) => this.#known.has(pattern));
  }

  /** To be asked before the first scan; `dated` puts the time into a pattern. */
  beginAtEnd(source: TailSource, dated: (path: string) => string): ReadonlySet<string> {
    if (this.#none || source.readFromHead) return new Set();
    const isKnown = (path: string) => this.#known.has(patternOf(source, path));
    const expand = (paths: string[]) => expandGlobs(paths.map(dated), source.excludePaths.map(dated)).files;
    const found = new Set(expand(source.paths.filter((path) => !isKnown(path))));
    if (found.size > 0) for (const path of expand(source.paths.filter(isKnown))) found.delete(path);
    return found;
  }

  /** After the positions of the first scan are stored. */
  note(): void {
    const now = this.#sources.flatMap(patternsOf);
    if (now.some((pattern) => !this.#known.has(pattern)) || this.#outbox.knownPatterns() === undefined)
      this.#outbox.noteKnownPatterns([...new Set([...this.#known, ...now])]);
  }
}

export function patternsOf(source: TailSource): string[] {
  return source.paths.map((path) => patternOf(source, path));
}

function patternOf(source: TailSource, path: string): string {
  return source.reader ? `${source.reader} ${path}` : path;
}
