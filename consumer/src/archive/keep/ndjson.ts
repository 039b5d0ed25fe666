import { once } from 'node:events';
import { constants, createGzip } from 'node:zlib';
import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { readFooter } from '@millrace/archive/reader.ts';
import { selectedBlocks } from '@millrace/archive/selected-blocks.ts';
import { type ArchiveKey, parseArchiveKey } from '@millrace/core/archive/key.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Backoff } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { renderedBatches } from '../../index/batches.ts';
import { Upload, type UploadOptions } from '../upload.ts';

export interface NdjsonOptions {
  objects: ObjectStore;
  renderer: Renderer;
  clock: Clock;
  prefix: string;
  readBytes: number;
  partBytes: number;
  retry: Backoff;
  emit: UploadOptions['emit'];
  /** The corrections of a stream, as they are when an object is made. */
  corrections(stream: string, signal: AbortSignal): Promise<Corrections>;
}

/** Bytes that wait for S3 while an object is made. */
const bufferBytesMax = 16 * 1024 * 1024;

/** `<prefix>ndjson/<stream>/dt=YYYY-MM-DD/hour=HH/`, partitions as Athena and Spark find them: by arrival hour. */
export function ndjsonHourPrefix(
  prefix: string,
  { stream, hourMs }: Pick<ArchiveKey, 'stream' | 'hourMs'>,
): string {
  const [date, time = ''] = new Date(hourMs).toISOString().split('T');
  return `${prefix}ndjson/${stream}/dt=${date}/hour=${time.slice(0, 2)}/`;
}

/** The key of the NDJSON object that belongs to an archive object. */
export function ndjsonKey(key: ArchiveKey): string {
  return `${ndjsonHourPrefix(key.prefix, key)}${key.shard}-${key.firstSequence}-${key.suffix}.ndjson.gz`;
}

/**
 * Makes the NDJSON object of an archive object: a line for each event, as it is indexed but for U+0000, with `event_id`
 * and `block_id` before it. Events that no document can be made of are left out, and counted. Memory is bounded.
 * @throws MillraceError ARCHIVE_CORRUPT, WIRE_UNSUPPORTED, ARCHIVE_UNAVAILABLE, DEADLINE (stopped)
 */
export async function writeNdjson(
  options: NdjsonOptions,
  object: { key: string; bytes: number },
  signal: AbortSignal,
): Promise<{ key: string; events: number; unrendered: number }> {
  const { objects, renderer, prefix, readBytes } = options;
  const archived = parseArchiveKey(object.key, prefix);
  if (archived === undefined) throw new TypeError(`${object.key} is no archive object`);
  const key = ndjsonKey(archived);
  const { blocks, stream } = await readFooter(objects, object.key, object.bytes, signal);
  const result = { key, events: 0, unrendered: 0 };
  const sink = new GzipUpload(key, options);
  try {
    const found = selectedBlocks(
      {
        objects,
        key: object.key,
        blocks,
        readBytes,
        corrections: undefined, // as documents they are applied whole, below
        runs: ({ runs }) => new Set(runs.keys()),
        onProblem: () => result.unrendered++,
      },
      signal,
    );
    const corrections = await options.corrections(stream, signal);
    for await (const { id, block } of found) {
      const failed = () => result.unrendered++;
      for (const { documents, unrendered } of batchesOf(renderer, block, corrections, failed)) {
        for (const { ids } of unrendered) result.unrendered += ids.length;
        const lines = documents.map(
          (document) =>
            `{"event_id":"${document.id}","block_id":"${id}",${withoutNul(document.source).slice(1)}\n`,
        );
        result.events += lines.length;
        await sink.write(lines.join(''), signal);
      }
    }
    await sink.end(signal);
    return result;
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

/**
 * U+0000 as ␀ (U+2400). Warehouses end or refuse a text at it, Redshift a whole COPY; and files have it: a log that was
 * truncated under its writer begins with a hole.
 */
function withoutNul(json: string): string {
  if (!json.includes('\\u0000')) return json;
  // Escapes one after another: a backslash that is escaped itself, with u0000 behind it, is text.
  return json.replaceAll(/\\(?:u0000|.)/g, (each) => (each === '\\u0000' ? '\u2400' : each));
}

/** A fault of ours in a block costs the rest of that block, not all objects that come after it. */
function* batchesOf(
  renderer: Renderer,
  block: Block,
  corrections: Corrections,
  failed: () => void,
): ReturnType<typeof renderedBatches> {
  try {
    const corrected = corrections.correct(block);
    yield* renderedBatches(renderer, corrected?.block ?? block, corrected?.records());
  } catch {
    failed();
  }
}

/** What is written goes through gzip to S3, in parts, no faster than S3 takes it. */
class GzipUpload {
  readonly #gzip = createGzip({ level: constants.Z_DEFAULT_COMPRESSION });
  readonly #upload: Upload;
  #buffered = 0;
  #failed: unknown;

  constructor(key: string, options: NdjsonOptions) {
    const { objects: store, clock, retry, partBytes, emit } = options;
    this.#upload = new Upload(key, {
      store,
      clock,
      retry,
      partBytes,
      emit,
      onBuffered: (change) => {
        this.#buffered += change;
        if (this.#buffered < bufferBytesMax) this.#gzip.resume();
        else this.#gzip.pause();
      },
    });
    this.#upload.finished.catch((error: unknown) => {
      this.#failed = error;
    });
    this.#gzip.on('data', (bytes: Buffer) => this.#upload.push(bytes));
  }

  async write(text: string, signal: AbortSignal): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    if (signal.aborted) throw stopped(this.#upload.key);
    if (text === '' || this.#gzip.write(text)) return;
    await once(this.#gzip, 'drain', { signal }).catch(() => {
      throw stopped(this.#upload.key);
    });
  }

  async end(signal: AbortSignal): Promise<void> {
    this.#gzip.end();
    try {
      await once(this.#gzip, 'end', { signal });
      this.#upload.seal();
      const abandon = () => void this.#upload.abandon();
      signal.addEventListener('abort', abandon, { once: true });
      const outcome = await this.#upload.finished.finally(() => signal.removeEventListener('abort', abandon));
      if (outcome === 'done') return;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    throw stopped(this.#upload.key);
  }

  async abandon(): Promise<void> {
    this.#gzip.destroy();
    await this.#upload.abandon();
  }
}

function stopped(key: string): MillraceError {
  return new MillraceError('DEADLINE', `making ${key} was stopped`);
}
