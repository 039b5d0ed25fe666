import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ObjectCabinet, StoredObject } from '@millrace/core/store/objects.ts';
import type { Access } from '../access/access.ts';
import { failure, Refused } from '../failure.ts';

const pageMax = 1_000;

/** What people keep of one kind, and how they are told of it. */
export interface KeptKind {
  kind: string;
  /** One of them, and many. */
  what: string;
  all: string;
  /** Where they are listed. */
  route: string;
  /** So many there may be, and the setting that says so. */
  max: number;
  maxKey: string;
}

/** What is kept, under its id; the version is the object's. */
export type Kept<T> = T & { id: string; version: string };

/** What people keep, in the store, each with an owner. */
export class KeptObjects<T extends { owner: string }> {
  readonly #objects: ObjectCabinet;
  readonly #kind: KeptKind;
  readonly #clock: Clock;

  constructor(objects: ObjectCabinet, kind: KeptKind, clock: Clock) {
    this.#objects = objects;
    this.#kind = kind;
    this.#clock = clock;
  }

  async list(signal?: AbortSignal): Promise<Kept<T>[]> {
    const { kind, max } = this.#kind;
    return (await listAll(this.#objects, kind, max, signal)).map((found) => this.#kept(found));
  }

  /** @throws Refused 404 */
  async get(id: string, signal?: AbortSignal): Promise<Kept<T>> {
    const found = await this.#objects.get(this.#kind.kind, id, signal);
    if (found === undefined) throw this.missing();
    return this.#kept(found);
  }

  /** Under an id of its own. @throws Refused 409 */
  async add(value: T): Promise<Kept<T>> {
    this.assertRoom((await this.list()).length + 1);
    return this.put(Buffer.from(this.#clock.bytes(9)).toString('base64url'), value, 'new');
  }

  /** `expect`: the version that it takes the place of, or new. @throws Refused 409 */
  async put(id: string, value: T, expect: string): Promise<Kept<T>> {
    const version = await this.#objects.put(this.#kind.kind, id, value, expect);
    if (version === undefined) throw conflict(this.#kind.what);
    return { id, ...value, version };
  }

  /** @throws Refused 409 */
  async delete({ id, version }: Kept<T>): Promise<void> {
    if (!(await this.#objects.delete(this.#kind.kind, id, version))) throw conflict(this.#kind.what);
  }

  /** Whether somebody may change what they looked at: theirs, and still as they saw it. @throws Refused 403, 409 */
  assertChangeable({ owner, version }: Kept<T>, access: Access, expect: string | undefined): void {
    assertOwner(access, owner, this.#kind.what);
    if (expect !== undefined && expect !== version) throw conflict(this.#kind.what);
  }

  /** @throws Refused 409 */
  assertRoom(count: number): void {
    const { all, max, maxKey } = this.#kind;
    if (count > max) throw tooMany(all, max, maxKey);
  }

  missing(): Refused {
    return missing(this.#kind.what, this.#kind.route);
  }

  #kept({ id, version, value }: StoredObject): Kept<T> {
    return { id, ...(value as T), version };
  }
}

/** All objects of a kind, in order of id; at most `max`, which bounds what is made of them. */
async function listAll(
  objects: ObjectCabinet,
  kind: string,
  max: number,
  signal?: AbortSignal,
): Promise<StoredObject[]> {
  const all: StoredObject[] = [];
  let after: string | undefined;
  while (all.length < max) {
    const size = Math.min(pageMax, max - all.length);
    const page = await objects.list(kind, { ...(after === undefined ? {} : { after }), size }, signal);
    all.push(...page);
    if (page.length < size) break;
    after = page.at(-1)?.id;
  }
  return all;
}

/**
 * `named`: the asker may see it, and so whose it is.
 * @throws Refused 403: only its owner changes what is kept, or an admin who sees it
 */
export function assertOwner(access: Access, owner: string, what: string, named = true): void {
  if (owner === access.subject || (access.scopes.has('admin') && named)) return;
  throw new Refused(
    failure(
      403,
      'forbidden',
      'FORBIDDEN',
      `this ${what} is of ${named ? owner : 'somebody else'}`,
      'ask its owner to change it, or save one of your own',
    ),
  );
}

/** The version that a request wants to replace; undefined: any. */
export function expectedVersion(ifMatch: string | undefined): string | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  return ifMatch
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
}

function conflict(what: string): Refused {
  return new Refused(
    failure(
      409,
      'query_refused',
      'CONFLICT',
      `somebody else changed this ${what} meanwhile`,
      'read it again, and send your change with its new version in If-Match',
    ),
  );
}

function missing(what: string, list: string): Refused {
  return new Refused(
    failure(404, 'query_refused', 'NOT_FOUND', `there is no such ${what}`, `GET ${list} lists them`),
  );
}

function tooMany(what: string, max: number, key: string): Refused {
  return new Refused(
    failure(
      409,
      'query_refused',
      'LIMIT',
      `there are ${max} ${what} already`,
      `delete some, or raise ${key}`,
    ),
  );
}
