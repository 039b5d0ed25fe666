import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { addBlockTokens } from '@millrace/core/archive/block-tokens.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { TokenFilterBuilder } from '@millrace/core/archive/token-filter.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';

/** As the consumer closes them. */
const objectBytesMax = 64 * 1024 * 1024;
const tokensShareMax = 0.025;

export interface WrittenArchive {
  objects: number;
  /** As they lie in the archive. */
  bytes: number;
  payloadBytes: number;
  /** Objects that have a filter of tokens. */
  filtered: number;
}

/**
 * Puts blocks of lines in order of time into archive objects whose footers tell what the consumer's do. Documents are made
 * of the first and the last record of each block alone: they have its first and last times.
 */
export async function writeArchiveObjects(
  objects: ObjectStore,
  stream: string,
  prefix: string,
  blocks: Iterable<Block>,
  { tokens = true } = {},
): Promise<WrittenArchive> {
  const renderer = createRenderer();
  const written: WrittenArchive = { objects: 0, bytes: 0, payloadBytes: 0, filtered: 0 };
  let open: { builder: FooterBuilder; filter: TokenFilterBuilder; parts: Buffer[] } | undefined;
  let sequence = 0;
  const close = async () => {
    if (open === undefined) return;
    const { builder, filter, parts } = open;
    const built = tokens ? filter.build(Math.floor(builder.offset * tokensShareMax)) : undefined;
    const footer = builder.build();
    const bytes = Buffer.concat([...parts, encodeFooter({ ...footer, ...(built && { tokens: built }) })]);
    const key = archiveKey({
      prefix,
      stream,
      hourMs: Math.floor(footer.capturedFirstMs / hourMs) * hourMs,
      shard: 'shardId-000000000000',
      firstSequence: String(sequence),
      suffix: '00000000',
    });
    await objects.put(key, bytes);
    written.objects++;
    written.bytes += bytes.length;
    written.payloadBytes += footer.payloadBytes;
    if (built !== undefined) written.filtered++;
    open = undefined;
  };
  for (const block of blocks) {
    open ??= { builder: new FooterBuilder(stream), filter: new TokenFilterBuilder(), parts: [] };
    const { builder, filter, parts } = open;
    const bytes = encodeBlock(block.header, block.payload);
    const id = blockId(bytes);
    const arrivalMs = block.header.runs[0]?.capturedMs ?? 0;
    builder.add({ length: bytes.length, id, arrivalMs, sequence: String(++sequence) }, block.header);
    const records = [...blockRecords(block)];
    const edges = [records[0], records.at(-1)].flatMap((record) => record ?? []);
    const seconds: number[] = [];
    renderer.renderBlock(block, edges, ({ source, index }) => {
      seconds.push(Math.floor(Date.parse(String(JSON.parse(source)['@timestamp'])) / 1000));
      builder.addDay(index.slice(index.lastIndexOf('-') + 1), records.length / 2);
    });
    builder.setTimes(id, { first: Math.min(...seconds), last: Math.max(...seconds) });
    if (tokens) addBlockTokens(filter, block);
    parts.push(bytes);
    if (builder.offset >= objectBytesMax) await close();
  }
  await close();
  return written;
}
