import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ObjectCabinet } from '@millrace/core/store/objects.ts';
import { type Access, isLimited } from '../access/access.ts';
import { plan } from '../plan.ts';
import { assertOwner, KeptObjects } from './kept.ts';
import type { SavedContent, SavedSearch } from './saved-search.ts';

export const savedKind = 'saved_search';
const what = 'saved search';
const viewBytesMax = 16 * 1024;
const viewLevelsMax = 32;

/** What lies in the store. */
type Value = SavedContent & { owner: string; updated: string };

/**
 * Whether somebody sees a search at all: what others ask for may name what is hidden from who sees a part of the logs
 * only.
 */
export function maySeeSaved(access: Access, { owner }: { owner: string }): boolean {
  return !isLimited(access) || owner === access.subject;
}

/** Saved searches, in the store. */
export class SavedShelf {
  readonly #kept: KeptObjects<Value>;
  readonly #clock: Clock;

  constructor(objects: ObjectCabinet, max: number, clock: Clock) {
    const route = '/api/v1/saved';
    const kind = { kind: savedKind, what, all: 'saved searches', route, max, maxKey: 'saved.max' };
    this.#kept = new KeptObjects(objects, kind, clock);
    this.#clock = clock;
  }

  async list(access: Access, signal?: AbortSignal): Promise<SavedSearch[]> {
    return (await this.#kept.list(signal)).filter((saved) => maySeeSaved(access, saved));
  }

  /** @throws Refused 404, also for what is not for the asker to see */
  async get(id: string, access: Access, signal?: AbortSignal): Promise<SavedSearch> {
    const saved = await this.#kept.get(id, signal);
    if (!maySeeSaved(access, saved)) throw this.#kept.missing();
    return saved;
  }

  /** @throws MillraceError QUERY_INVALID, Refused */
  async add(content: SavedContent, access: Access): Promise<SavedSearch> {
    this.check(content, access);
    return this.#kept.add(this.#value(content, access.subject));
  }

  /** `expect`: the version that is to be replaced. @throws MillraceError QUERY_INVALID, Refused 403, 404, 409 */
  async replace(
    id: string,
    content: SavedContent,
    access: Access,
    expect: string | undefined,
  ): Promise<SavedSearch> {
    this.check(content, access);
    const before = await this.get(id, access);
    this.#kept.assertChangeable(before, access, expect);
    // Also without If-Match the version that was looked at is the one that is replaced.
    return this.#kept.put(id, this.#value(content, before.owner), before.version);
  }

  /** @throws Refused 403, 404, 409 */
  async delete(id: string, access: Access, expect: string | undefined): Promise<void> {
    const before = await this.get(id, access);
    this.#kept.assertChangeable(before, access, expect);
    await this.#kept.delete(before);
  }

  /** Puts searches in place of those of the same id; the same file again changes nothing. */
  async put(lines: { id: string; content: SavedContent }[], access: Access): Promise<ImportResult> {
    const known = new Map((await this.#kept.list()).map((saved) => [saved.id, saved]));
    const fresh = lines.filter(({ id }) => !known.has(id)).length;
    this.#kept.assertRoom(known.size + fresh);
    for (const { id } of lines) {
      const before = known.get(id);
      if (before === undefined) continue;
      // An id that is taken has to be refused; whose it is, is not told.
      assertOwner(access, before.owner, `${what} ${id}`, maySeeSaved(access, before));
    }
    const result: ImportResult = { created: 0, replaced: 0, unchanged: 0 };
    for (const { id, content } of lines) {
      const before = known.get(id);
      if (before !== undefined && sameContent(before, content)) {
        result.unchanged++;
        continue;
      }
      const owner = before?.owner ?? access.subject;
      await this.#kept.put(id, this.#value(content, owner), before?.version ?? 'new');
      result[before === undefined ? 'created' : 'replaced']++;
    }
    return result;
  }

  /** What could not be searched is not saved. @throws MillraceError QUERY_INVALID, Refused 403 */
  check(content: SavedContent, access: Access): void {
    plan(content, this.#clock.now(), access);
    // Before it is written as text: what is nested without end ends the process's stack, and no engine takes it.
    if (isDeeper(content.view ?? {}, viewLevelsMax))
      throw new MillraceError('QUERY_INVALID', `view has more than ${viewLevelsMax} levels`, {
        hint: 'put less into each other',
      });
    if (JSON.stringify(content.view ?? {}).length > viewBytesMax)
      throw new MillraceError('QUERY_INVALID', `view has more than ${viewBytesMax} characters`, {
        hint: 'it is for how an answer is shown, not for answers',
      });
  }

  /** @throws Refused 409 */
  assertRoom(count: number): void {
    this.#kept.assertRoom(count);
  }

  #value(content: SavedContent, owner: string): Value {
    return { ...content, owner, updated: new Date(this.#clock.now()).toISOString() };
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}

export interface ImportResult {
  created: number;
  replaced: number;
  unchanged: number;
}

function sameContent(before: SavedSearch, content: SavedContent): boolean {
  const { id: _id, owner: _owner, updated: _updated, version: _version, ...kept } = before;
  return canonical(kept) === canonical(content);
}

/** JSON with the members of every object in order of name. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
