/**
 * The narrow port to S3. What is expected to happen is in the results; everything else throws MillraceError
 * ARCHIVE_UNAVAILABLE and may be tried again. A timeout may have succeeded: every call is safe to repeat.
 */
export interface ObjectStore {
  /** Creates an object; `exists` when there is one of this name, which stays as it is. */
  put(key: string, body: Uint8Array, signal?: AbortSignal): Promise<'created' | 'exists'>;
  /** Begins a multipart upload and returns its id. */
  createUpload(key: string, signal?: AbortSignal): Promise<string>;
  /** Uploads one part (numbers from 1; 5 MiB or more, but for the last) and returns its tag; `gone`: no such upload. */
  uploadPart(part: UploadPart, body: Uint8Array, signal?: AbortSignal): Promise<{ tag: string } | 'gone'>;
  /** Makes the object of its parts. `exists`: one of this name was there; `gone`: no such upload. */
  completeUpload(
    key: string,
    upload: string,
    tags: string[],
    signal?: AbortSignal,
  ): Promise<'created' | 'exists' | 'gone'>;
  /** Frees the parts of an upload; no error when it is gone. */
  abortUpload(key: string, upload: string, signal?: AbortSignal): Promise<void>;
  /** Unfinished multipart uploads of keys under `prefix`; the first 10,000. */
  unfinished(prefix: string, signal?: AbortSignal): Promise<UnfinishedUpload[]>;
  /** Size in bytes; undefined when there is no such object. */
  size(key: string, signal?: AbortSignal): Promise<number | undefined>;
  /**
   * Bytes `from` to `to` (excluded); undefined when there is no such object. `into`: where they are put if there is room,
   * so that who reads much makes no garbage; it must not be used elsewhere meanwhile, nor after a call that failed.
   */
  read(
    key: string,
    from: number,
    to: number,
    signal?: AbortSignal,
    into?: Uint8Array,
  ): Promise<Buffer | undefined>;
  /** One page of the objects under `prefix` in key order, after the key `after`; at most 1,000. */
  list(prefix: string, after: string | undefined, signal?: AbortSignal): Promise<ObjectPage>;
  /** The folders right under `prefix`, in full, `/` at the end; the first 10,000. */
  folders(prefix: string, signal?: AbortSignal): Promise<string[]>;
  /** False when the bucket does not exist. */
  bucketExists(signal?: AbortSignal): Promise<boolean>;
  close(): void;
}

export interface UnfinishedUpload {
  key: string;
  upload: string;
  /** Milliseconds since 1970. */
  startedMs: number;
}

interface UploadPart {
  key: string;
  upload: string;
  /** From 1. */
  number: number;
}

interface ObjectPage {
  objects: { key: string; bytes: number; modifiedMs: number }[];
  /** Whether objects may follow; ask again after the last key. */
  more: boolean;
}

/** S3 refuses smaller parts, but for an upload's last. */
export const partBytesMin = 5 * 1024 * 1024;
