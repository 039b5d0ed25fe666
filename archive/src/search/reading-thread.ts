import { Worker } from 'node:worker_threads';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { BucketConfig } from '../config.ts';
import type { ObjectStore } from '../object-store.ts';
import type { ReadingAnswer, ReadingMessage } from './reading-worker.ts';

interface Asked {
  resolve(length: number): void;
  reject(error: MillraceError): void;
}

/**
 * Reads of S3 by a thread of their own. What an HTTP client allocates makes V8 collect the whole heap again and again: of
 * a server that is half of all that a search costs, of a thread that does nothing else hardly anything.
 */
export class ReadingThread {
  readonly #config: BucketConfig;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #ids = 0;

  constructor(config: BucketConfig) {
    this.#config = config;
  }

  /** The same store, of which the thread reads what is to be put into memory that threads share. */
  store(objects: ObjectStore): ObjectStore {
    return {
      ...objects,
      read: async (key, from, to, signal, into) => {
        const room = into !== undefined && into.length >= to - from;
        if (!room || !(into.buffer instanceof SharedArrayBuffer))
          return objects.read(key, from, to, signal, into);
        const length = await this.#read({ key, from, to, into }, signal);
        return length < 0 ? undefined : Buffer.from(into.buffer, into.byteOffset, length);
      },
    };
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    await worker.terminate();
    this.#failed(worker, 'the thread was ended');
  }

  #read(
    what: { key: string; from: number; to: number; into: Uint8Array },
    signal?: AbortSignal,
  ): Promise<number> {
    signal?.throwIfAborted();
    this.#ids++;
    const id = this.#ids;
    const worker = this.#open();
    return new Promise<number>((resolve, reject) => {
      const abort = () => worker.postMessage({ abort: id } satisfies ReadingMessage);
      const settled = () => {
        signal?.removeEventListener('abort', abort);
        this.#asked.delete(id);
        // What nobody waits for keeps no process.
        if (this.#asked.size === 0) worker.unref();
      };
      this.#asked.set(id, {
        resolve: (length) => {
          settled();
          resolve(length);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal?.addEventListener('abort', abort, { once: true });
      worker.ref();
      worker.postMessage({ id, ...what } satisfies ReadingMessage);
    });
  }

  #open(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('reading-worker.ts', import.meta.url), { workerData: this.#config });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (answer: ReadingAnswer) => {
      const asked = this.#asked.get(answer.id);
      if ('length' in answer) asked?.resolve(answer.length);
      else asked?.reject(new MillraceError('ARCHIVE_UNAVAILABLE', answer.error));
    });
    worker.on('error', (error) => this.#failed(worker, messageOf(error)));
    worker.on('exit', () => this.#failed(worker, 'its thread ended'));
    return worker;
  }

  /** All that was asked has to be asked again, of another thread. */
  #failed(worker: Worker, why: string): void {
    // An error is followed by the end of the thread, when the next one may be at work.
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of [...this.#asked.values()])
      reject(new MillraceError('ARCHIVE_UNAVAILABLE', `S3: ${why}`));
  }
}
