/** Bytes of a stored value as JSON. */
export const objectBytesMax = 262_144;

/**
 * Small JSON documents by kind and id: saved searches, alerts, keys. Kinds are 1 to 32 of a-z, 0-9 and `_`, ids 1 to
 * 128 of letters, digits, `_`, `-`, `.` and `~`. A write is seen by every read that begins after it.
 */
export interface ObjectCabinet {
  get(kind: string, id: string, signal?: AbortSignal): Promise<StoredObject | undefined>;
  /**
   * The new version. `expect`: the version that is to be replaced, or `new` when there must be none; undefined when
   * somebody else was faster, and nothing was written. Without it, whatever is there is replaced.
   */
  put(
    kind: string,
    id: string,
    value: unknown,
    expect?: string,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** In order of id, after the id `after`; at most 1,000 a call. */
  list(kind: string, page: { after?: string; size: number }, signal?: AbortSignal): Promise<StoredObject[]>;
  /** Whether it was there to be deleted, in the version `expect` when one is named. */
  delete(kind: string, id: string, expect?: string, signal?: AbortSignal): Promise<boolean>;
}

export interface StoredObject {
  id: string;
  /** Changes with every write; opaque. */
  version: string;
  value: unknown;
}
