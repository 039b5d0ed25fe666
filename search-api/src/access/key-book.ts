import { validateConfig } from '@millrace/core/config/validate.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ObjectCabinet } from '@millrace/core/store/objects.ts';
import { type Static, Type } from 'typebox';
import { type Access, accessOf } from './access.ts';
import { grantProperties, type KeyConfig } from './config.ts';
import { idOfKey, isKeyOf, makeKey, makeKeyId } from './key.ts';

/** A key as the store keeps it, under its id. */
const StoredKeySchema = Type.Object({
  name: Type.String(),
  sha256: Type.String(),
  ...grantProperties,
  expires: Type.Optional(Type.String()),
  created: Type.String(),
  creator: Type.String(),
});

export type StoredKey = Static<typeof StoredKeySchema>;

/** A key without its digest. */
export interface KeyEntry extends Omit<StoredKey, 'sha256' | 'name' | 'created' | 'creator'> {
  id: string;
  /** config: it stands in search-api.json, and is changed there. */
  source: 'config' | 'store';
  name?: string;
  created?: string;
  creator?: string;
}

export interface KeyBookOptions {
  configured: readonly KeyConfig[];
  cabinet: ObjectCabinet;
  clock: Clock;
  /** A key that was looked up is believed so long; one that was revoked lives no longer. */
  cacheMs: number;
}

type Known = Pick<StoredKey, 'sha256' | 'scopes' | 'tags' | 'hosts' | 'streams' | 'redact' | 'expires'>;

interface Looked {
  untilMs: number;
  key: Promise<Known | undefined>;
}

const kind = 'key';
/** Keys, also such as do not exist, that are remembered for `cacheMs`. */
const lookedMax = 1_000;

/** The keys of the configuration and of the store. */
export class KeyBook {
  readonly #options: KeyBookOptions;
  readonly #configured: Map<string, KeyConfig>;
  readonly #looked = new Map<string, Looked>();

  constructor(options: KeyBookOptions) {
    this.#options = options;
    this.#configured = new Map(options.configured.map((key) => [key.id, key]));
  }

  /** Whether the store would be asked about this key. */
  isUnknown(text: string): boolean {
    const id = idOfKey(text);
    return id !== undefined && !this.#configured.has(id) && this.#fresh(id) === undefined;
  }

  /** Undefined: no such key, or no longer. */
  async accessOf(text: string): Promise<Access | undefined> {
    const id = idOfKey(text);
    if (id === undefined) return undefined;
    const key = this.#configured.get(id) ?? (await this.#look(id));
    if (!isKeyOf(text, key?.sha256) || key === undefined) return undefined;
    if (key.expires !== undefined && Date.parse(key.expires) <= this.#options.clock.now()) return undefined;
    return accessOf(`key:${id}`, key);
  }

  async list(page: { after?: string; size: number }, signal?: AbortSignal): Promise<KeyEntry[]> {
    const stored = await this.#options.cabinet.list(kind, page, signal);
    return stored.flatMap(({ id, value }) => {
      const { sha256: _, ...shown } = storedKey(id, value);
      return [{ id, source: 'store' as const, ...shown }];
    });
  }

  configured(): KeyEntry[] {
    return [...this.#configured.values()].map(({ sha256: _, ...key }) => ({ source: 'config', ...key }));
  }

  /** The only time that the key itself is told. */
  async create(wanted: Omit<StoredKey, 'sha256'>): Promise<{ id: string; key: string }> {
    const { cabinet, clock } = this.#options;
    const id = makeKeyId(clock);
    const { key, sha256 } = makeKey(id, clock);
    await cabinet.put(kind, id, { ...wanted, sha256 }, 'new');
    this.#looked.delete(id);
    return { id, key };
  }

  /** Whether it was there. */
  async delete(id: string): Promise<boolean> {
    const deleted = await this.#options.cabinet.delete(kind, id);
    this.#looked.delete(id);
    return deleted;
  }

  /** Requests with one key at a time ask the store once. */
  #look(id: string): Promise<Known | undefined> {
    const fresh = this.#fresh(id);
    if (fresh !== undefined) return fresh.key;
    const { cabinet, clock, cacheMs } = this.#options;
    const key = cabinet.get(kind, id).then((found) => found && storedKey(id, found.value));
    const looked = { untilMs: clock.monotonic() + cacheMs, key };
    this.#looked.delete(id);
    this.#looked.set(id, looked);
    if (this.#looked.size > lookedMax) {
      for (const [oldest] of this.#looked) {
        this.#looked.delete(oldest);
        break;
      }
    }
    // A store that did not answer says nothing about the key.
    key.catch(() => {
      if (this.#looked.get(id) === looked) this.#looked.delete(id);
    });
    return key;
  }

  #fresh(id: string): Looked | undefined {
    const looked = this.#looked.get(id);
    return looked !== undefined && looked.untilMs > this.#options.clock.monotonic() ? looked : undefined;
  }
}

function storedKey(id: string, value: unknown): StoredKey {
  return validateConfig(StoredKeySchema, value, `key ${id}`);
}
