import { exactJson } from '@millrace/core/document/json-text.ts';
import { isTooLarge } from '@millrace/core/store/failure.ts';
import type { SearchHit, SearchRequest, SearchResponse, Store } from '@millrace/core/store/port.ts';

/** About so many bytes of documents are read at a time. */
export const pageBytes = 8 * 1024 * 1024;

/** How many documents the next page may have: told by those before, as a megabyte each is 10 GB in 10,000. */
export class PageSize {
  hits: number;
  readonly #max: number;

  constructor(max: number, first = 1_000) {
    this.#max = max;
    this.hits = Math.min(first, max);
  }

  learn(hits: readonly SearchHit[], asked: number): void {
    if (hits.length === 0) return;
    let bytes = 0;
    for (const hit of hits) bytes += bytesOf(hit);
    const fitting = Math.floor(pageBytes / (bytes / hits.length));
    this.hits = Math.max(10, Math.min(this.#max, asked * 10, fitting));
  }

  /** So many were too large; another page may have learned it meanwhile. */
  shrink(asked: number): void {
    this.hits = Math.max(1, Math.min(this.hits, Math.floor(asked / 10)));
  }
}

/** About so many of its document. */
export function bytesOf({ source, raw }: SearchHit): number {
  const fields = source.fields === undefined ? 0 : exactJson(source.fields).length;
  return 500 + String(source.message ?? '').length + fields + (raw?.length ?? 0);
}

/**
 * The next page, of `left` documents at most. What went before says little where one file has lines of a megabyte: what
 * the store breaks off as too large is asked for in smaller pages.
 */
export async function fittingPage(
  store: Store,
  request: Omit<SearchRequest, 'size'>,
  size: PageSize,
  left: number,
  signal: AbortSignal,
): Promise<{ found: SearchResponse; asked: number }> {
  for (;;) {
    const asked = Math.min(size.hits, left);
    try {
      const found = await store.search({ ...request, size: asked }, signal);
      size.learn(found.hits, asked);
      return { found, asked };
    } catch (error) {
      if (!isTooLarge(error) || asked <= 1) throw error;
      size.shrink(asked);
    }
  }
}
