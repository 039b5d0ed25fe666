import type { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { BlockHeader } from '@millrace/core/wire/block.ts';
import { decodeHeader } from '@millrace/core/wire/decode.ts';
import type { OutboxBlock } from '../state/outbox.ts';
import type { ConnectionSettings } from './connection.ts';
import type { Sender, SenderContext } from './sender.ts';

/** Where blocks go that the stream does not take in time. */
export interface SpillSettings extends ConnectionSettings {
  bucket: string;
  /** What stands before `archive/`: empty, or a folder name that ends with `/`. */
  prefix: string;
}

/** Puts one object; tests have their own. */
export type PutObject = (key: string, bytes: Buffer) => Promise<void>;

/** Bytes of blocks in one object: each is held in memory whole. */
const objectBytesMax = 16 * 1024 * 1024;
const backoff = { baseMs: 200, maxMs: 5_000 };

/**
 * Uploads blocks as archive objects of shard `spill` when a stopping agent has no more time for the stream: they are
 * in the archive then, and the filler indexes them. One that the stream took all the same is there twice; readers
 * keep one of each block id.
 */
export class SpillSender implements Sender {
  readonly #settings: SpillSettings;
  readonly #id: string;
  readonly #context: SenderContext;
  readonly #put: PutObject;
  #blocks: OutboxBlock[] = [];
  readonly #stopping = new AbortController();
  #failures = 0;
  #wake: (() => void) | undefined;
  /** Objects written. */
  objects = 0;

  constructor(
    output: { id: string },
    settings: SpillSettings,
    context: SenderContext,
    put: PutObject = s3Put(settings),
  ) {
    this.#id = output.id;
    this.#settings = settings;
    this.#context = context;
    this.#put = put;
  }

  get unacknowledged(): number {
    return this.#blocks.length;
  }

  add(block: OutboxBlock): void {
    this.#blocks.push(block);
    this.#wake?.();
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // What the stream has taken after all: a call was under way when this took over.
      while (this.#blocks[0] && !this.#context.outbox.has(this.#blocks[0].seq)) this.#blocks.shift();
      if (this.#blocks.length > 0) await this.#upload();
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake?.();
  }

  async #upload(): Promise<void> {
    const { outbox, clock, telemetry, onAcknowledged } = this.#context;
    const { batch, stream } = this.#nextBatch();
    const nowMs = clock.now();
    const key = archiveKey({
      prefix: this.#settings.prefix,
      stream,
      hourMs: Math.floor(nowMs / hourMs) * hourMs,
      shard: 'spill',
      firstSequence: String(Math.floor(nowMs)),
      suffix: Buffer.from(clock.bytes(4)).toString('hex'),
    });
    const footer = new FooterBuilder(stream);
    const parts: Buffer[] = [];
    for (const { bytes, header } of batch) {
      const id = blockId(bytes);
      if (footer.has(id)) continue;
      footer.add({ id, length: bytes.length, arrivalMs: nowMs, sequence: '' }, header);
      parts.push(bytes);
    }
    // Its dates are found by whoever reads it: the agent makes no documents.
    footer.daysUnknown();
    const object = Buffer.concat([...parts, encodeFooter(footer.build())]);
    try {
      await this.#put(key, object);
    } catch (error) {
      telemetry.emit('spill_failed', { output: this.#id, key, error: messageOf(error) });
      const wait = backoffMs(backoff, this.#failures++, () => clock.random());
      await clock.sleep(wait, this.#stopping.signal);
      return;
    }
    this.#failures = 0;
    this.objects++;
    const uploaded = new Set(batch.map(({ seq }) => seq));
    this.#blocks = this.#blocks.filter(({ seq }) => !uploaded.has(seq));
    telemetry.emit('spilled', { output: this.#id, key, blocks: batch.length, bytes: object.length });
    outbox.acknowledge([...uploaded]);
    onAcknowledged();
  }

  /** Blocks of one stream: the output can have taken over those of another. */
  #nextBatch(): { batch: Batch[]; stream: string } {
    const batch: Batch[] = [];
    let stream: string | undefined;
    let total = 0;
    for (const { seq, size } of this.#blocks) {
      if (!this.#context.outbox.has(seq)) continue;
      total += size;
      if (batch.length > 0 && total > objectBytesMax) break;
      const bytes = this.#context.outbox.read(seq);
      const { header } = decodeHeader(bytes);
      stream ??= header.stream;
      if (header.stream !== stream) break;
      batch.push({ seq, bytes, header });
    }
    return { batch, stream: stream ?? '' };
  }
}

interface Batch {
  seq: number;
  bytes: Buffer;
  header: BlockHeader;
}

/** S3 by its official client, loaded when the first object goes. */
function s3Put(settings: SpillSettings): PutObject {
  let loading: Promise<{ client: S3Client; Command: typeof PutObjectCommand }> | undefined;
  return async (key, bytes) => {
    loading ??= load(settings);
    const { client, Command } = await loading;
    await client.send(
      new Command({ Bucket: settings.bucket, Key: key, Body: bytes, ContentLength: bytes.length }),
    );
  };
}

async function load(settings: SpillSettings) {
  const [sdk, { clientSettings }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('./connection.ts'),
  ]);
  const client = new sdk.S3Client({
    ...clientSettings(settings),
    // A custom endpoint is an address, not a domain with a host name for each bucket.
    ...(settings.endpoint ? { forcePathStyle: true } : {}),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { client, Command: sdk.PutObjectCommand };
}
