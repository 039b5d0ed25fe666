import { CorrectionShelf } from '@millrace/archive/corrections/shelf.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import {
  archiveHourPrefix,
  archiveStreamPrefix,
  hourMs,
  parseArchiveKey,
} from '@millrace/core/archive/key.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { isStreamName } from '@millrace/core/ids/stream-name.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ConsumerConfig } from '../../config.ts';
import type { ConsumerTelemetry } from '../../events.ts';
import { whileHeld } from '../../lock/fleet-lock.ts';
import type { Lock } from '../../lock/lock.ts';
import { type NdjsonOptions, ndjsonHourPrefix, ndjsonKey, writeNdjson } from './ndjson.ts';
import { removeOrphanedUploads } from './orphaned-uploads.ts';

export interface KeeperOptions {
  config: ConsumerConfig['archive'];
  readBytes: number;
  objects: ObjectStore;
  renderer: Renderer;
  lock: Lock;
  clock: Clock;
  emit: ConsumerTelemetry['emit'];
}

const recentMs = 3 * hourMs;
const fullPassMs = 6 * hourMs;
const orphansMs = hourMs;
const dayMs = 24 * hourMs;

/** Looks after the archive, one process of the fleet at a time: orphaned uploads, NDJSON objects. */
export class ArchiveKeeper {
  readonly #options: KeeperOptions;
  /** Objects that no NDJSON can be made of, by this version. */
  readonly #hopeless = new Set<string>();
  readonly #shelf: CorrectionShelf;
  #lastOrphansMs = Number.NEGATIVE_INFINITY;
  #lastFullMs = Number.NEGATIVE_INFINITY;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#shelf = new CorrectionShelf(options.objects, options.config.prefix);
  }

  /** Runs until the signal ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { lock, clock, config, emit } = this.#options;
    const failed = (error: unknown) => emit('archive_keep_failed', { error: messageOf(error) });
    while (!signal.aborted) {
      try {
        await whileHeld(lock, clock, signal, (held) => this.turn(held));
      } catch (error) {
        if (!signal.aborted) failed(error);
      }
      await clock.sleep(config.keep_interval_ms, signal);
    }
    await lock.release().catch(failed);
  }

  /** What is due now. */
  async turn(signal: AbortSignal): Promise<void> {
    const { clock, config, objects, emit } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - this.#lastOrphansMs >= orphansMs) {
      const beforeMs = clock.now() - Math.max(dayMs, 2 * config.object_age_ms_max);
      for (const prefix of [`${config.prefix}archive/`, `${config.prefix}ndjson/`]) {
        for (const key of await removeOrphanedUploads(objects, prefix, beforeMs, signal)) {
          emit('upload_removed', { object: key });
        }
      }
      this.#lastOrphansMs = nowMs;
    }
    if (config.layout === 'blocks') return;
    const all = nowMs - this.#lastFullMs >= fullPassMs;
    await this.#makeNdjson(all ? undefined : clock.now() - recentMs, signal);
    if (all && !signal.aborted) this.#lastFullMs = nowMs;
  }

  /** An NDJSON object for each archive object that arrived since `sinceMs` and has none. */
  async #makeNdjson(sinceMs: number | undefined, signal: AbortSignal): Promise<void> {
    const { objects, config } = this.#options;
    const root = `${config.prefix}archive/`;
    const streams = (await objects.folders(root, signal)).map((folder) => folder.slice(root.length, -1));
    for (const stream of streams.filter(isStreamName)) {
      let after = sinceMs === undefined ? undefined : archiveHourPrefix(config.prefix, stream, sinceMs);
      let made: { hour: number; keys: Set<string> } | undefined;
      for (let more = true; more && !signal.aborted; ) {
        const page = await objects.list(archiveStreamPrefix(config.prefix, stream), after, signal);
        for (const object of page.objects) {
          const key = parseArchiveKey(object.key, config.prefix);
          if (key === undefined || signal.aborted || this.#hopeless.has(object.key)) continue;
          if (made?.hour !== key.hourMs) {
            made = {
              hour: key.hourMs,
              keys: await this.#keysUnder(ndjsonHourPrefix(config.prefix, key), signal),
            };
          }
          if (!made.keys.has(ndjsonKey(key))) await this.#makeOne(object, signal);
        }
        after = page.objects.at(-1)?.key;
        more = page.more;
      }
    }
  }

  async #makeOne(object: { key: string; bytes: number }, signal: AbortSignal): Promise<void> {
    const { objects, renderer, clock, config, readBytes, emit } = this.#options;
    const options: NdjsonOptions = {
      objects,
      renderer,
      clock,
      prefix: config.prefix,
      readBytes,
      partBytes: config.part_bytes,
      retry: { baseMs: config.retry.base_ms, maxMs: config.retry.max_ms },
      emit,
      corrections: (stream, ended) => this.#shelf.load(stream, ended),
    };
    try {
      const { key, events, unrendered } = await writeNdjson(options, object, signal);
      emit('ndjson_written', { object: key, events, unrendered });
    } catch (error) {
      if (!isMillraceError(error, 'ARCHIVE_CORRUPT') && !isMillraceError(error, 'WIRE_UNSUPPORTED'))
        throw error;
      this.#hopeless.add(object.key);
      emit('ndjson_failed', { object: object.key, error: error.message });
    }
  }

  async #keysUnder(prefix: string, signal: AbortSignal): Promise<Set<string>> {
    const keys = new Set<string>();
    let after: string | undefined;
    for (let more = true; more; ) {
      const page = await this.#options.objects.list(prefix, after, signal);
      for (const { key } of page.objects) keys.add(key);
      after = page.objects.at(-1)?.key;
      more = page.more;
    }
    return keys;
  }
}
