import type { Renderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { decodeBlock, looksLikeBlock } from '@millrace/core/wire/decode.ts';
import type { ArchiveObject, ArchiveWriter } from '../archive/writer.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { ShardTelemetry } from '../events.ts';
import { renderedBatches } from '../index/batches.ts';
import type { LiveIndex } from './live-index.ts';
import type { ShardRecord } from './record.ts';
import type { SetAsideReason } from './set-aside.ts';

export interface PipelineOptions {
  writer: ArchiveWriter;
  checkpoint: Checkpoint;
  index: LiveIndex;
  renderer: Renderer;
  takesStream(stream: string): boolean;
  /** Stores a record that is of no use; false when the shard is gone. */
  setAside(record: ShardRecord, reason: SetAsideReason, code: string, message: string): Promise<boolean>;
  emit: ShardTelemetry['emit'];
  count: { blocks(): void; bytes(amount: number): void; events(amount: number): void };
}

/** What happens to each record of a shard: decoded, archived verbatim, made into documents, handed to the indexer. */
export class Pipeline {
  readonly #options: PipelineOptions;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** Takes one record; resolves when there is room for the next. Records are given one after another. */
  async accept(record: ShardRecord): Promise<void> {
    const { writer, checkpoint, index, emit, count } = this.#options;
    const block = this.#decode(record);
    if ('reason' in block) return this.#setAside(record, block);
    const { data: bytes, sequence, arrivalMs } = record;
    const id = blockId(bytes);
    const { object, repeated } = writer.append({ bytes, id, header: block.header, sequence, arrivalMs });
    checkpoint.delivered(sequence, object);
    count.blocks();
    count.bytes(bytes.length);
    if (repeated) {
      emit('block_repeated', { block: id, sequence, object: object.key });
    } else {
      if (object.footer.blocks === 1) index.begin(object);
      const { events, documents } = this.#render(block, object, id);
      writer.sealFull(object);
      count.events(events);
      // Of many events the first are at hand only: they are rendered once more, and never all held.
      if (events > documents.length) await index.add(object, this.#again(block));
      else if (events > 0) await index.add(object, [documents]);
    }
    await writer.room();
  }

  #decode(record: ShardRecord): Block | Refusal {
    const { data } = record;
    if (!looksLikeBlock(data)) {
      return { reason: 'foreign', code: 'WIRE_CORRUPT', message: 'not a Millrace block' };
    }
    try {
      const block = decodeBlock(data);
      const { stream } = block.header;
      if (this.#options.takesStream(stream)) return block;
      return { reason: 'stream', code: 'CONFIG_INVALID', message: `stream ${stream} is not taken here` };
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      const reason = error.code === 'WIRE_UNSUPPORTED' ? 'unsupported' : 'corrupt';
      return { reason, code: error.code, message: error.message };
    }
  }

  async #setAside(record: ShardRecord, { reason, code, message }: Refusal): Promise<void> {
    const { checkpoint } = this.#options;
    const holder = {};
    checkpoint.delivered(record.sequence, holder);
    if (await this.#options.setAside(record, reason, code, message)) checkpoint.durable(holder);
  }

  /**
   * Documents of a block, counted by date in the object's footer: all of them, or the first when they are many. What
   * cannot be rendered is left to the filler.
   */
  #render(block: Block, object: ArchiveObject, id: string): Rendered {
    const { renderer, index, emit } = this.#options;
    const failed = (fields: object) => {
      emit('render_failed', { block: id, object: object.key, host: block.header.host, ...fields });
      object.footer.daysUnknown();
      index.leave(object);
    };
    const rendered: Rendered = { events: 0, documents: [] };
    try {
      for (const { documents, unrendered } of renderedBatches(renderer, block)) {
        if (rendered.events === 0) rendered.documents = documents;
        rendered.events += documents.length;
        countDays(documents, object);
        for (const { error, ids, source } of unrendered) {
          failed({ file: source.path, events: ids.length, error: error.message });
        }
      }
      return rendered;
    } catch (error) {
      // The block decoded, its bytes are archived: a fault in here must not stop the shard.
      failed({ error: messageOf(error) });
      return { events: 0, documents: [] };
    }
  }

  *#again(block: Block): Generator<RenderedDocument[]> {
    for (const { documents } of renderedBatches(this.#options.renderer, block)) yield documents;
  }
}

interface Rendered {
  events: number;
  documents: RenderedDocument[];
}

interface Refusal {
  reason: SetAsideReason;
  code: string;
  message: string;
}

/** Index names end with the event date; neighbouring events mostly share it. */
function countDays(documents: RenderedDocument[], object: ArchiveObject): void {
  const dateAt = `millrace-${object.stream}-`.length;
  let start = 0;
  for (let i = 1; i <= documents.length; i++) {
    const name = documents[start]?.index ?? '';
    if (documents[i]?.index === name) continue;
    object.footer.addDay(name.slice(dateAt), i - start);
    start = i;
  }
}
