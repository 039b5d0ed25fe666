import type { Account } from './account.ts';
import type { Documents } from './documents.ts';
import type { LostObject } from './gaps.ts';
import type { Gap } from './report.ts';

/** Objects named for one gap. */
const objectsMax = 10;

/** Whole files whose every object is gone, but not their documents. `host`: only of this one. */
export async function lostFiles(
  documents: Documents,
  lost: readonly LostObject[],
  { stream, host, nowMs }: { stream: string; host: string | undefined; nowMs: number },
  signal?: AbortSignal,
): Promise<Gap[]> {
  const gaps: Gap[] = [];
  if (lost.length === 0) return gaps;
  for (const [generation, index] of documents.strangers) {
    const known = await documents.stranger(generation, index, host, signal);
    if (known === undefined || (host !== undefined && known.host !== host)) continue;
    gaps.push({
      cause: 'object_missing',
      stream,
      generation,
      ...known,
      bytes: known.to - known.from,
      searchable: known.events,
      sinceMs: nowMs,
      objects: lost.slice(0, objectsMax).map(({ key }) => key),
    });
  }
  return gaps;
}

/** Lost objects that no hole in a file speaks of. */
export function lostWithoutHole(stream: string, lost: readonly LostObject[], gaps: readonly Gap[]): Gap[] {
  const named = new Set(gaps.flatMap(({ objects }) => objects ?? []));
  return lost
    .filter(({ key, events }) => !named.has(key) && events > 0)
    .map(({ key, hourMs, events }) => ({
      cause: 'object_missing' as const,
      stream,
      bytes: 0,
      events,
      firstMs: hourMs,
      sinceMs: hourMs,
      objects: [key],
    }));
}

/** Says of what the archive has lost how much the store still has. */
export async function tellSearchable(
  gaps: readonly Gap[],
  documents: Documents,
  signal?: AbortSignal,
): Promise<void> {
  for (const gap of gaps) {
    const { generation, from, to, cause } = gap;
    if (cause !== 'object_missing' && cause !== 'not_archived') continue;
    if (generation === undefined || from === undefined || to === undefined) continue;
    if (gap.searchable !== undefined) continue;
    const found = await documents.count(generation, { from, to }, undefined, signal);
    if (found !== undefined) gap.searchable = found;
  }
}

/** Files known to begin where their archived bytes do, by generation and offset: they are not asked for again. */
export class Beginnings {
  readonly #settled = new Set<string>();

  forget(): void {
    this.#settled.clear();
  }

  /**
   * Where reading began of files whose first byte in the archive is not their first, when that is known. What is said of
   * a file first seen after `oldMs` may still change.
   */
  async of(
    accounts: Iterable<Account>,
    documents: Documents,
    { sinceMs, oldMs }: { sinceMs: number; oldMs: number },
    signal?: AbortSignal,
  ): Promise<Map<Account, number>> {
    const began = new Map<Account, number>();
    for (const account of accounts) {
      const [first] = account.archived.intervals;
      const archivedFrom = first?.from ?? account.samples.at(-1)?.position ?? 0;
      if (archivedFrom === 0) continue;
      const look = account.samples.find(({ atMs }) => atMs >= sinceMs)?.position ?? archivedFrom;
      const looked = Math.min(look, archivedFrom);
      const found =
        account.mintedMs >= sinceMs
          ? await this.#firstBefore(account, looked, documents, oldMs, signal)
          : undefined;
      const start = Math.min(looked, found ?? looked);
      if (start < archivedFrom) began.set(account, start);
    }
    return began;
  }

  async #firstBefore(
    { generation, mintedMs }: Account,
    offset: number,
    documents: Documents,
    oldMs: number,
    signal?: AbortSignal,
  ): Promise<number | undefined> {
    const key = `${generation}${offset}`;
    if (offset === 0 || this.#settled.has(key)) return undefined;
    const skipped = documents.skipped;
    const found = await documents.firstBefore(generation, offset, signal);
    if (found !== undefined || documents.skipped > skipped) return found;
    if (mintedMs > oldMs) return undefined;
    if (this.#settled.size >= settledMax) this.#settled.clear();
    this.#settled.add(key);
    return undefined;
  }
}

const settledMax = 1_000_000;
