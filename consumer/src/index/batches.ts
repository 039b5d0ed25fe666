import type { EventTimes } from '@millrace/core/archive/footer.ts';
import type { Renderer, Unrendered } from '@millrace/core/document/render.ts';
import type { SeenEvent } from '@millrace/core/document/seen-event.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import type { Block, BlockRecord, Run, Source } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';

/** Records, and bytes of documents, after which a batch ends: most blocks are one batch. */
const recordsMax = 10_000;
const bytesMax = 16 * 1024 * 1024;

/** Documents of one index that stand next to each other in one run: what bytes of the source they are of. */
export interface Stretch {
  source: Source;
  /** Index name. */
  index: string;
  from: number;
  to: number;
  events: number;
}

interface RenderedBatch {
  documents: RenderedDocument[];
  unrendered: Unrendered[];
  stretches: Stretch[];
  /** Of its documents; undefined: there are none. */
  times: EventTimes | undefined;
}

/**
 * A block's documents, some thousands at a time: a block of 200 bytes may hold a million empty lines, and all their
 * documents at once are more than a process has memory for. `see`: called for each event that became a document.
 */
export function* renderedBatches(
  renderer: Renderer,
  block: Block,
  records: Generator<BlockRecord> = blockRecords(block),
  see?: (event: SeenEvent) => void,
): Generator<RenderedBatch> {
  const stretching = new Stretching();
  let ended = false;
  while (!ended) {
    const documents: RenderedDocument[] = [];
    const times = new Times();
    let bytes = 0;
    const some = function* (): Generator<BlockRecord> {
      for (let count = 0; count < recordsMax && bytes < bytesMax; count++) {
        const next = records.next();
        if (next.done) {
          ended = true;
          return;
        }
        stretching.at(next.value);
        yield next.value;
      }
    };
    const take = (document: RenderedDocument) => {
      documents.push(document);
      stretching.add(document.index);
      // Also makes one flat text of its pieces, which takes twice as long once thousands have gone through the caches.
      bytes += Buffer.byteLength(document.source);
      times.add(document.source);
    };
    const unrendered = renderer.renderBlock(block, some(), take, see);
    yield { documents, unrendered, stretches: stretching.take(ended), times: times.found };
  }
}

/** Every document begins with its time, to the second always of one width: compared as text, it costs next to nothing. */
const timeAt = '{"@timestamp":"'.length;
const timeEnd = timeAt + 'YYYY-MM-DDTHH:MM:SS'.length;

class Times {
  #first = '';
  #last = '';

  add(source: string): void {
    const time = source.slice(timeAt, timeEnd);
    if (this.#first === '' || time < this.#first) this.#first = time;
    if (time > this.#last) this.#last = time;
  }

  get found(): EventTimes | undefined {
    if (this.#first === '') return undefined;
    return { first: Date.parse(`${this.#first}Z`) / 1000, last: Date.parse(`${this.#last}Z`) / 1000 };
  }
}

/** Follows records and the documents made of them, each right after its record. */
class Stretching {
  #done: Stretch[] = [];
  #open: Stretch | undefined;
  #run: Run | undefined;
  #record: BlockRecord | undefined;

  at(record: BlockRecord): void {
    this.#record = record;
  }

  add(index: string): void {
    const record = this.#record;
    if (record === undefined) return;
    if (this.#open !== undefined && this.#open.index === index && this.#run === record.run) {
      this.#open.events++;
      return;
    }
    this.#close(this.#run === record.run ? record.offset : undefined);
    this.#run = record.run;
    this.#open = { source: record.source, index, from: record.offset, to: record.run.to, events: 1 };
  }

  /** What is complete; with `ended` all of it. */
  take(ended: boolean): Stretch[] {
    if (ended) this.#close();
    const done = this.#done;
    this.#done = [];
    return done;
  }

  /** `to`: where the next one begins; absent: at the end of the run. */
  #close(to?: number): void {
    if (this.#open === undefined) return;
    if (to !== undefined) this.#open.to = to;
    this.#done.push(this.#open);
    this.#open = undefined;
  }
}
