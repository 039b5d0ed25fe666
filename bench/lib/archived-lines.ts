import { closeSync, openSync, writeSync } from 'node:fs';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey } from '@millrace/core/archive/key.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import { bulkAction } from '@millrace/core/store/action.ts';
import type { BlockHeader } from '@millrace/core/wire/block.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { accessLogLines } from './access-log.ts';

const generation = Buffer.from('0199a1b2c3d47abc8def0123456789ab', 'hex');
const capturedMs = Date.UTC(2026, 0, 2);
const linesPerBlock = 5_000;
const objectBytesMax = 16 * 1024 * 1024;

interface LinesBlock {
  header: BlockHeader;
  payload: Buffer;
}

/** Blocks of access-log lines of one file, the same for the same count. */
function* lineBlocks(count: number, stream: string): Generator<LinesBlock> {
  let from = 0;
  let batch: string[] = [];
  const made = (): LinesBlock => {
    const payload = Buffer.from(batch.join(''));
    const run = { source: 0, from, to: from + payload.length, capturedMs, size: payload.length };
    from += payload.length;
    batch = [];
    return {
      payload,
      header: {
        host: 'bench',
        agent: generation,
        stream,
        rules: [ruleText({ v: 1, parse: { type: 'nginx' } })],
        sources: [{ generation, path: '/var/log/nginx/access.log', tag: 'bench', rule: 0 }],
        runs: [{ ...run, filler: false, continues: false, continued: false }],
      },
    };
  };
  for (const line of accessLogLines(count)) {
    batch.push(line);
    if (batch.length === linesPerBlock) yield made();
  }
  if (batch.length > 0) yield made();
}

/** Puts the lines into archive objects, as the consumer would. */
export async function writeArchive(objects: ObjectStore, count: number, stream: string): Promise<void> {
  let sequence = 0;
  let builder = new FooterBuilder(stream);
  let parts: Buffer[] = [];
  const complete = async () => {
    const key = archiveKey({
      prefix: '',
      stream,
      hourMs: capturedMs,
      shard: 'shardId-000000000000',
      firstSequence: String(sequence),
      suffix: '00000000',
    });
    await objects.put(key, Buffer.concat([...parts, encodeFooter(builder.build())]));
    builder = new FooterBuilder(stream);
    parts = [];
  };
  for (const { header, payload } of lineBlocks(count, stream)) {
    const bytes = encodeBlock(header, payload);
    const id = blockId(bytes);
    builder.add({ length: bytes.length, id, arrivalMs: capturedMs, sequence: String(++sequence) }, header);
    builder.daysUnknown();
    parts.push(bytes);
    if (builder.offset >= objectBytesMax) await complete();
  }
  if (parts.length > 0) await complete();
}

/** The documents of the same lines as `_bulk` bodies for bulk-loader.ts: u32 length, body, and so on. */
export function writeBodies(path: string, count: number, stream: string): void {
  const renderer = createRenderer();
  const fd = openSync(path, 'w');
  const ingested = new Date().toISOString();
  let body = '';
  const flush = () => {
    const bytes = Buffer.from(body);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    writeSync(fd, head);
    writeSync(fd, bytes);
    body = '';
  };
  for (const block of lineBlocks(count, stream)) {
    renderer.renderBlock(block, blockRecords(block), (document) => {
      body += bulkAction(document, ingested);
      if (body.length > 5 * 1024 * 1024) flush();
    });
  }
  if (body !== '') flush();
  closeSync(fd);
}
