import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { isMillraceError, MillraceError } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { ConsumerTelemetry } from '../events.ts';
import type { IndexerConfig } from '../index/config.ts';
import { createIndexer } from '../index/indexer.ts';
import { horizonAgeMsMax } from '../retention/horizons.ts';
import type { ReplayIndices } from './replay-indices.ts';
import type { ReplayTarget } from './target.ts';

export interface StoreTargetOptions {
  store: Store;
  /** As the store is now; read again and again, since retention deletes what a long replay writes to. */
  indices(): Promise<ReplayIndices>;
  clock: Clock;
  telemetry: ConsumerTelemetry;
  config: IndexerConfig;
  /** Told when the store takes nothing, and when it does again. */
  say(text: string): void;
  signal: AbortSignal;
}

const patience: Backoff = { baseMs: 200, maxMs: 10_000 };

/** Creates the documents under the ids that they always have: what is there already is left as it is. */
export function storeTarget(options: StoreTargetOptions): ReplayTarget {
  const { signal } = options;
  const totals = { created: 0, existing: 0 };
  const indexer = createIndexer({ ...options, telemetry: counting(options, totals) });
  const abandon = () => void indexer.close();
  signal.addEventListener('abort', abandon, { once: true });
  const reported = { created: 0, existing: 0 };
  const known = knownIndices(options);
  return {
    open() {
      const group = indexer.group();
      let taken = 0;
      return {
        async take(selected, counts) {
          for (const { documents } of selected.batches()) {
            const indices = await known();
            const placed = documents.map((document) => inPlace(document, indices));
            if (!(await indexer.add(placed, group, selected.id))) throw stopped();
            counts.events += documents.length;
            taken += documents.length;
          }
        },
        async end() {
          group.seal();
          const result = await group.done;
          if (result === undefined) throw stopped();
          const missing = taken - result.indexed;
          // Of all objects under way; which of them a document is of makes no difference to the sums.
          const written = totals.created - reported.created;
          const existing = totals.existing - reported.existing;
          Object.assign(reported, totals);
          return { written, existing, missing };
        },
      };
    },
    async close() {
      signal.removeEventListener('abort', abandon);
      await indexer.close();
    },
  };
}

function inPlace(document: RenderedDocument, indices: ReplayIndices): RenderedDocument {
  const index = indices.of(document.index);
  return index === document.index ? document : { ...document, index };
}

/** What is known of the indices, no older than writers may know it (retention waits for them). */
function knownIndices({ indices, clock, signal }: StoreTargetOptions): () => Promise<ReplayIndices> {
  let known: ReplayIndices | undefined;
  let readMs = 0;
  return async () => {
    for (let attempt = 0; known === undefined || clock.monotonic() - readMs >= horizonAgeMsMax; attempt++) {
      const askedMs = clock.monotonic();
      try {
        known = await indices();
        readMs = askedMs;
      } catch (error) {
        if (!isMillraceError(error, 'STORE_UNAVAILABLE') || signal.aborted) throw error;
        await clock.sleep(backoffMs(patience, attempt, clock.random), signal);
      }
    }
    return known;
  };
}

function stopped(): MillraceError {
  return new MillraceError('DEADLINE', 'the replay was stopped');
}

/** The telemetry, with two of the indexer's counters read along. */
function counting(
  { telemetry, say }: StoreTargetOptions,
  totals: { created: number; existing: number },
): ConsumerTelemetry {
  const names: Record<string, keyof typeof totals> = {
    events_indexed_total: 'created',
    events_existing_total: 'existing',
  };
  return {
    ...telemetry,
    counter(name, help) {
      const count = telemetry.counter(name, help);
      const total = names[name];
      return (amount = 1) => {
        if (total !== undefined) totals[total] += amount;
        count(amount);
      };
    },
    emit(name, fields) {
      if (name === 'store_down') say(`the store takes nothing, trying again: ${String(fields?.reason)}`);
      if (name === 'store_up') say('the store takes documents again');
      telemetry.emit(name, fields);
    },
  };
}
