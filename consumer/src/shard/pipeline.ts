import type { EventTimes } from '@millrace/core/archive/footer.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import type { SeenEvent } from '@millrace/core/document/seen-event.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { messageOf } from '@millrace/core/errors.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { ArchiveObject, ArchiveWriter } from '../archive/writer.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { ShardTelemetry } from '../events.ts';
import { renderedBatches, type Stretch } from '../index/batches.ts';
import type { BlockNote } from './block-note.ts';
import type { Incoming, IncomingBlock } from './incoming.ts';
import type { BlockDocuments, LiveIndex } from './live-index.ts';
import type { ShardRecord } from './record.ts';
import type { Refusal, SetAsideWriter } from './set-aside.ts';

export interface PipelineOptions {
  writer: ArchiveWriter;
  checkpoint: Checkpoint;
  index: LiveIndex;
  renderer: Renderer;
  /** Blocks of a record. */
  read(record: ShardRecord): Incoming | Refusal;
  /** Takes records that are of no use. */
  setAside: Pick<SetAsideWriter, 'add' | 'room'>;
  /** Says what is being worked at, should this process not come back from it. */
  note: Pick<BlockNote, 'condemned' | 'during' | 'step'>;
  emit: ShardTelemetry['emit'];
  /** Called for each event of a block that is new to its object, once. */
  see?: ((event: SeenEvent) => void) | undefined;
  count: {
    blocks(): void;
    bytes(amount: number): void;
    events(amount: number): void;
    foreign(): void;
  };
}

/** What happens to each record of a shard: decoded, archived verbatim, made into documents, handed to the indexer. */
export class Pipeline {
  readonly #options: PipelineOptions;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Takes one record; resolves when there is room for the next. Records are given one after another. */
  async accept(record: ShardRecord): Promise<void> {
    const { writer, index, note, count } = this.#options;
    if (note.condemned(record)) return this.#setAside(record, condemned);
    const taken = note.during(record, () => this.#take(record));
    if ('reason' in taken) return this.#setAside(record, taken);
    const [first] = taken;
    if (first !== undefined) {
      // The object may be closed from here on, and marked once this hand-over ends: all of the record goes into both.
      const rendered = this.#renderAll(record, taken);
      writer.sealFull(first.object);
      for (const { events } of rendered) count.events(events);
      await index.add(first.object, this.#batches(record, rendered));
    }
    await writer.room();
  }

  /**
   * Archives the record's blocks, all in one go: so they are in one object, and no checkpoint comes between them.
   * Returns those that were not there before.
   */
  #take(record: ShardRecord): Taken[] | Refusal {
    const { checkpoint, emit, count, read } = this.#options;
    const incoming = read(record);
    if ('reason' in incoming) return incoming;
    if (incoming.foreign) count.foreign();
    if (incoming.blocks.length === 0) {
      const holder = {};
      checkpoint.delivered(record.sequence, holder, record.arrivalMs);
      checkpoint.durable(holder);
      emit('foreign_dropped', { sequence: record.sequence, reason: incoming.empty });
    }
    return incoming.blocks.flatMap((block) => this.#archive(record, block) ?? []);
  }

  /** Undefined for a block that its object holds already. */
  #archive(record: ShardRecord, { bytes, id, block }: IncomingBlock): Taken | undefined {
    const { writer, checkpoint, index, emit, count } = this.#options;
    const { sequence, arrivalMs } = record;
    const { header, payload } = block;
    const { object, repeated } = writer.append({ bytes, id, header, payload, sequence, arrivalMs });
    checkpoint.delivered(sequence, object, arrivalMs);
    count.blocks();
    count.bytes(bytes.length);
    if (repeated) {
      emit('block_repeated', { block: id, sequence, object: object.key });
      return undefined;
    }
    if (object.footer.blocks === 1) index.begin(object);
    return { object, block, id };
  }

  async #setAside(record: ShardRecord, refusal: Refusal): Promise<void> {
    const { checkpoint, setAside } = this.#options;
    checkpoint.delivered(record.sequence, setAside.add(record, refusal), record.arrivalMs);
    await setAside.room();
  }

  /** Documents of the record's blocks, of the first ones held: the others' are made once more when it is their turn. */
  #renderAll(record: ShardRecord, taken: Taken[]): (Taken & Rendered)[] {
    const { note } = this.#options;
    let bytes = 0;
    return taken.map((one) => {
      const rendered = note.during(record, () => this.#render(one.block, one.object, one.id));
      bytes += one.block.payload.length;
      return { ...one, ...rendered, ...(bytes > heldBytesMax && { documents: [] }) };
    });
  }

  *#batches(record: ShardRecord, rendered: (Taken & Rendered)[]): Generator<BlockDocuments> {
    for (const { events, documents, block, object, id } of rendered) {
      if (events === 0) continue;
      // Of many events the first are at hand only: they are rendered once more, and never all held.
      if (events === documents.length) yield { block: id, documents };
      else for (const batch of this.#again(record, block, object, id)) yield { block: id, documents: batch };
    }
  }

  /**
   * Documents of a block, counted by date in the object's footer: all of them, or the first when they are many. What
   * cannot be rendered is left to the filler.
   */
  #render(block: Block, object: ArchiveObject, id: string): Rendered {
    const { renderer, note, see } = this.#options;
    const failed = (fields: object) => this.#renderFailed(block, object, id, fields);
    const rendered: Rendered = { events: 0, documents: [] };
    const all: EventTimes[] = [];
    let whole = true;
    try {
      const batches = renderedBatches(renderer, block, blockRecords(block), see);
      for (const { documents, unrendered, stretches, times } of batches) {
        if (rendered.events === 0) rendered.documents = documents;
        rendered.events += documents.length;
        countDates(stretches, block, object);
        if (times !== undefined) all.push(times);
        note.step();
        for (const { error, ids, source } of unrendered) {
          whole = false;
          failed({ file: source.path, events: ids.length, error: error.message });
        }
      }
      if (whole) object.footer.setTimes(id, timesOf(all));
      return rendered;
    } catch (error) {
      // The block decoded, its bytes are archived: a fault in here must not stop the shard.
      failed({ error: messageOf(error) });
      return { events: 0, documents: [] };
    }
  }

  *#again(
    record: ShardRecord,
    block: Block,
    object: ArchiveObject,
    id: string,
  ): Generator<RenderedDocument[]> {
    const { renderer, note } = this.#options;
    const batches = renderedBatches(renderer, block);
    for (;;) {
      let batch: ReturnType<typeof batches.next>;
      try {
        batch = note.during(record, () => batches.next());
      } catch (error) {
        this.#renderFailed(block, object, id, { error: messageOf(error) });
        return;
      }
      if (batch.done) return;
      yield batch.value.documents;
    }
  }

  #renderFailed(block: Block, object: ArchiveObject, id: string, fields: object): void {
    const { index, emit } = this.#options;
    emit('render_failed', { block: id, object: object.key, host: block.header.host, ...fields });
    object.footer.daysUnknown();
    index.leave(object);
  }
}

/** A block that is archived, and where. */
interface Taken {
  object: ArchiveObject;
  block: Block;
  id: string;
}

interface Rendered {
  events: number;
  documents: RenderedDocument[];
}

/** Of payload, whose documents are held: one block's always fit. */
const heldBytesMax = 2 * 1024 * 1024;

const condemned: Refusal = {
  reason: 'fatal',
  code: 'DEADLINE',
  message: 'processes that worked at this record hung or crashed',
};

/** Of the batches of a block. */
function timesOf(batches: EventTimes[]): EventTimes | 'none' {
  if (batches.length === 0) return 'none';
  return {
    first: Math.min(...batches.map(({ first }) => first)),
    last: Math.max(...batches.map(({ last }) => last)),
  };
}

/** Index names end with the event date. */
function countDates(stretches: Stretch[], { header }: Block, object: ArchiveObject): void {
  const dateAt = `millrace-${object.stream}-`.length;
  for (const { source, index, from, to, events } of stretches) {
    object.footer.addDated(header, source, { date: index.slice(dateAt), from, to, events });
  }
}
