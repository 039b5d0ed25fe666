import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';

export interface UploadOptions {
  store: ObjectStore;
  clock: Clock;
  retry: Backoff;
  /** Bytes of a part; an object that stays below is created by one request. */
  partBytes: number;
  emit(event: 'upload_retried' | 'upload_orphaned', fields: Record<string, unknown>): void;
  /** Told how many buffered bytes came (positive) or went. */
  onBuffered(change: number): void;
}

/**
 * Brings one object's bytes to S3 while they come, in parts, holding no more than what S3 has not yet
 * acknowledged. Requests are repeated until they succeed or the upload is abandoned.
 */
export class Upload {
  readonly key: string;
  readonly #options: UploadOptions;
  readonly #stop = new AbortController();
  readonly #finished = Promise.withResolvers<'done' | 'lost' | 'abandoned'>();
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #parts: Uint8Array[] = [];
  #tags: string[] = [];
  #upload: string | undefined;
  #total = 0;
  #sealed = false;
  #running = false;

  constructor(key: string, options: UploadOptions) {
    this.key = key;
    this.#options = options;
  }

  /** Bytes that wait to become a part. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** `done`: the object exists; `lost`: S3 forgot parts it had acknowledged; `abandoned`: by `abandon`. */
  get finished(): Promise<'done' | 'lost' | 'abandoned'> {
    return this.#finished.promise;
  }

  push(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#total += bytes.length;
    this.#options.onBuffered(bytes.length);
    if (this.#pendingBytes >= this.#options.partBytes) this.#cutPart();
  }

  /** No more bytes come: the object is completed. */
  seal(): void {
    this.#sealed = true;
    this.#cutPart();
  }

  /** Stops writing at once. Resolves when the parts already there are freed; best effort: the bucket has a rule too. */
  async abandon(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#options.onBuffered(-this.#pendingBytes - this.#parts.reduce((sum, part) => sum + part.length, 0));
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#parts = [];
    this.#finished.resolve('abandoned');
    if (this.#upload === undefined) return;
    try {
      await this.#options.store.abortUpload(this.key, this.#upload);
    } catch (error) {
      this.#options.emit('upload_orphaned', { object: this.key, error: messageOf(error) });
    }
  }

  #cutPart(): void {
    if (this.#pendingBytes > 0) {
      const [only] = this.#pending;
      const part =
        this.#pending.length === 1 && only ? only : Buffer.concat(this.#pending, this.#pendingBytes);
      this.#parts.push(part);
      this.#pending = [];
      this.#pendingBytes = 0;
    }
    if (!this.#running) this.#run().catch((error: unknown) => this.#finished.reject(error));
  }

  /** Sends what there is. Ends in the step that finds nothing left: what comes after that starts it again. */
  async #run(): Promise<void> {
    const signal = this.#stop.signal;
    this.#running = true;
    try {
      for (let part = this.#parts[0]; part !== undefined && !signal.aborted; part = this.#parts[0]) {
        const whole = this.#sealed && this.#parts.length === 1 && this.#upload === undefined;
        const outcome = whole ? await this.#put(part) : await this.#uploadPart(part);
        if (signal.aborted) return;
        if (outcome === 'lost') return this.#finish('lost');
        this.#parts.shift();
        this.#options.onBuffered(-part.length);
        if (whole) return this.#finish('done');
      }
      if (this.#sealed && this.#upload !== undefined && !signal.aborted) await this.#complete(this.#upload);
    } finally {
      this.#running = false;
    }
  }

  async #put(body: Uint8Array): Promise<'done' | 'lost'> {
    const answer = await this.#retry('put', (signal) => this.#options.store.put(this.key, body, signal));
    return answer === 'created' ? 'done' : this.#check();
  }

  async #uploadPart(body: Uint8Array): Promise<'done' | 'lost'> {
    this.#upload ??= await this.#retry('create', (signal) =>
      this.#options.store.createUpload(this.key, signal),
    );
    const part = { key: this.key, upload: this.#upload ?? '', number: this.#tags.length + 1 };
    const answer = await this.#retry('part', (signal) => this.#options.store.uploadPart(part, body, signal));
    if (answer === undefined || answer === 'gone') return 'lost';
    this.#tags.push(answer.tag);
    return 'done';
  }

  async #complete(upload: string): Promise<void> {
    const answer = await this.#retry('complete', (signal) =>
      this.#options.store.completeUpload(this.key, upload, this.#tags, signal),
    );
    if (this.#stop.signal.aborted) return;
    this.#finish(answer === 'created' ? 'done' : await this.#check());
  }

  /** A request that was said to fail may have succeeded: the object is ours when it has our size, as its name is. */
  async #check(): Promise<'done' | 'lost'> {
    const size = await this.#retry('size', (signal) => this.#options.store.size(this.key, signal));
    return size === this.#total ? 'done' : 'lost';
  }

  #finish(outcome: 'done' | 'lost'): void {
    if (this.#stop.signal.aborted) return;
    this.#finished.resolve(outcome);
  }

  /** Undefined only when the upload was abandoned. */
  async #retry<T>(call: string, send: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { clock, retry, emit } = this.#options;
    const signal = this.#stop.signal;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await send(signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!isMillraceError(error, 'ARCHIVE_UNAVAILABLE')) throw error;
        emit('upload_retried', { object: this.key, call, attempt, error: error.message });
      }
      await clock.sleep(backoffMs(retry, attempt, clock.random), signal);
    }
    return undefined;
  }
}
