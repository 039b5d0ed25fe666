import { randomBytes } from 'node:crypto';
import { addBlockTokens } from '@millrace/core/archive/block-tokens.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import type { EventTimes } from '@millrace/core/archive/footer.ts';
import { FooterBuilder } from '@millrace/core/archive/footer-builder.ts';
import { archiveKey, hourMs } from '@millrace/core/archive/key.ts';
import { TokenFilterBuilder } from '@millrace/core/archive/token-filter.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { bulkAction } from '@millrace/core/store/action.ts';
import type { Block, BlockRecord } from '@millrace/core/wire/block.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { blocksOf, type LogFile } from './log-blocks.ts';
import { openArchive, openStore, type SearchEngine } from './search-engines.ts';

/** A line as it lies in the store. */
export interface LoadedLine {
  /** Event id. */
  id: string;
  index: string;
  source: Record<string, unknown>;
}

const bulkDocuments = 5_000;
const bulkBytes = 8 * 1024 * 1024;

/**
 * Makes blocks of the files as an agent does, documents of the blocks as the consumer does, creates them in the store
 * and makes them visible; lines that are there already stay as they are. Returns them in the order of the files.
 */
export async function loadLines(
  engine: SearchEngine,
  stream: string,
  files: LogFile[],
  { ingested, refresh = true }: { ingested?: string; refresh?: boolean } = {},
): Promise<LoadedLine[]> {
  const store = await openStore(engine);
  const loaded: LoadedLine[] = [];
  let actions: string[] = [];
  let bytes = 0;
  const send = async () => {
    if (actions.length === 0) return;
    const results = await store.bulkCreate(actions.join(''), actions.length);
    const bad = results.find(({ kind }) => kind !== 'created' && kind !== 'exists');
    if (bad !== undefined) throw new Error(`a line was not indexed: ${JSON.stringify(bad)}`);
    actions = [];
    bytes = 0;
  };
  try {
    for (const { document } of rendered(blocksOf(stream, files))) {
      const action = bulkAction(document, ingested ?? new Date().toISOString());
      actions.push(action);
      bytes += action.length;
      loaded.push({ id: document.id, index: document.index, source: JSON.parse(document.source) });
      if (actions.length >= bulkDocuments || bytes >= bulkBytes) await send();
    }
    await send();
    if (refresh) await store.refresh();
  } finally {
    await store.close();
  }
  return loaded;
}

/**
 * Writes the same blocks as one archive object, with its footer. `mark`: says in the store that all of it is indexed,
 * as when the consumer has done so. Returns the object's key and its lines as `loadLines` would load them.
 */
export async function archiveLines(
  engine: SearchEngine,
  stream: string,
  files: LogFile[],
  { arrivedMs = Date.now(), mark = false, tokens = true } = {},
): Promise<{ key: string; lines: LoadedLine[] }> {
  const footer = new FooterBuilder(stream);
  const filter = tokens ? new TokenFilterBuilder() : undefined;
  const parts: Buffer[] = [];
  const firstSequence = String(arrivedMs);
  const blocks = blocksOf(stream, files);
  const ids = new Map<Block, string>();
  for (const block of blocks) {
    const bytes = encodeBlock(block.header, block.payload);
    const entry = { length: bytes.length, id: blockId(bytes), sequence: firstSequence, arrivalMs: arrivedMs };
    footer.add(entry, block.header);
    if (filter !== undefined) addBlockTokens(filter, block);
    ids.set(block, entry.id);
    parts.push(bytes);
  }
  const lines: LoadedLine[] = [];
  const times = new Map<Block, EventTimes>();
  for (const { block, record, document } of rendered(blocks)) {
    const date = document.index.slice(document.index.lastIndexOf('-') + 1);
    const to = record.offset + record.end - record.start;
    footer.addDated(block.header, record.source, { date, from: record.offset, to, events: 1 });
    const source = JSON.parse(document.source) as Record<string, unknown>;
    lines.push({ id: document.id, index: document.index, source });
    const second = Math.floor(Date.parse(String(source['@timestamp'])) / 1000);
    const { first, last } = times.get(block) ?? { first: second, last: second };
    times.set(block, { first: Math.min(first, second), last: Math.max(last, second) });
  }
  for (const [block, span] of times) footer.setTimes(ids.get(block) ?? '', span);
  const tokenFilter = filter?.build(64 * 1024);
  parts.push(encodeFooter({ ...footer.build(), ...(tokenFilter && { tokens: tokenFilter }) }));
  const key = archiveKey({
    prefix: engine.archive.prefix,
    stream,
    hourMs: Math.floor(arrivedMs / hourMs) * hourMs,
    shard: 'shardId-000000000000',
    firstSequence,
    suffix: randomBytes(4).toString('hex'),
  });
  const objects = openArchive(engine);
  await objects.put(key, Buffer.concat(parts));
  objects.close();
  if (mark) await putMark(engine, { key, stream, events: lines.length });
  return { key, lines };
}

async function putMark(
  engine: SearchEngine,
  { key, stream, events }: { key: string; stream: string; events: number },
): Promise<void> {
  const store = await openStore(engine);
  await store.putMark({ object: key, stream, events, indexed: events, exceptions: [] });
  await store.refresh();
  await store.close();
}

function* rendered(
  blocks: Block[],
): Generator<{ block: Block; record: BlockRecord; document: RenderedDocument }> {
  const renderer = createRenderer();
  for (const block of blocks) {
    const records = [...blockRecords(block)];
    const documents: RenderedDocument[] = [];
    const unrendered = renderer.renderBlock(block, records, (document) => documents.push(document));
    if (unrendered.length > 0) throw unrendered[0]?.error ?? new Error('a record makes no document');
    for (const [i, record] of records.entries()) {
      const document = documents[i];
      if (document !== undefined) yield { block, record, document };
    }
  }
}
