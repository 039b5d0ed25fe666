import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { ConsumerTelemetry } from '../events.ts';
import type { IndexerConfig } from '../index/config.ts';
import { createIndexer } from '../index/indexer.ts';
import type { ReplayIndices } from './replay-indices.ts';
import type { ReplayTarget } from './target.ts';

export interface StoreTargetOptions {
  store: Store;
  indices: ReplayIndices;
  clock: Clock;
  telemetry: ConsumerTelemetry;
  config: IndexerConfig;
  /** Told when the store takes nothing, and when it does again. */
  say(text: string): void;
  signal: AbortSignal;
}

/** Creates the documents under the ids that they always have: what is there already is left as it is. */
export function storeTarget(options: StoreTargetOptions): ReplayTarget {
  const { indices, signal } = options;
  const totals = { created: 0, existing: 0 };
  const indexer = createIndexer({ ...options, telemetry: counting(options, totals) });
  const abandon = () => void indexer.close();
  signal.addEventListener('abort', abandon, { once: true });
  const reported = { created: 0, existing: 0 };
  return {
    open() {
      const group = indexer.group();
      let taken = 0;
      return {
        async take(selected, counts) {
          for (const { documents } of selected.batches()) {
            if (!(await indexer.add(documents.map(inPlace), group, selected.id))) throw stopped();
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

  function inPlace(document: RenderedDocument): RenderedDocument {
    const index = indices.of(document.index);
    return index === document.index ? document : { ...document, index };
  }
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
