import { closeSync, openSync, writeSync } from 'node:fs';
import { createRenderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { bulkAction } from '@millrace/core/store/action.ts';
import type { Block } from '@millrace/core/wire/block.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { accessLogLines } from './access-log.ts';

const bodyBytes = 5 * 1024 * 1024;
const linesPerBlock = 5_000;

/** The pipeline's own documents, as the pipeline sends them. */
export function ownAction(document: RenderedDocument): string {
  return bulkAction(document, new Date().toISOString());
}

/** The same document for an index without a template, so that the engine's default dynamic mapping takes it. */
export function plainAction(document: RenderedDocument): string {
  return ownAction({ ...document, index: document.index.replace('millrace-', 'plain-') });
}

/** Makes `_bulk` bodies of access-log lines beforehand, for bulk-loader.ts: u32 length, body, and so on. */
export function writeBodies(
  path: string,
  blocks: Iterable<Block>,
  action: (document: RenderedDocument) => string,
): void {
  const renderer = createRenderer();
  const fd = openSync(path, 'w');
  let body = '';
  const flush = () => {
    const bytes = Buffer.from(body);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    writeSync(fd, head);
    writeSync(fd, bytes);
    body = '';
  };
  for (const block of blocks) {
    renderer.renderBlock(block, blockRecords(block), (document) => {
      body += action(document);
      if (body.length > bodyBytes) flush();
    });
  }
  if (body !== '') flush();
  closeSync(fd);
}

/** The lines that the benches of the consumer use; different for each run. */
export function benchLines(lines: number, run: number): Iterable<string> {
  return accessLogLines(lines, 1000 + run);
}

/** Blocks of lines of one file, captured at `capturedMs`. */
export function* lineBlocks(
  lines: Iterable<string>,
  stream: string,
  { generation, capturedMs }: { generation: Buffer; capturedMs: number } = {
    generation: mintGeneration(systemClock),
    capturedMs: Date.now(),
  },
): Generator<Block> {
  const rules = [ruleText({ v: 1, parse: { type: 'nginx' } })];
  const sources = [{ generation, path: '/var/log/nginx/access.log', tag: 'bench', rule: 0 }];
  const header = { host: 'bench', agent: generation, stream, rules, sources };
  let from = 0;
  const made = (batch: string[]): Block => {
    const payload = Buffer.from(batch.join(''));
    const run = { source: 0, from, to: from + payload.length, capturedMs, size: payload.length };
    from += payload.length;
    return {
      header: { ...header, runs: [{ ...run, filler: false, continues: false, continued: false }] },
      payload,
    };
  };
  let batch: string[] = [];
  for (const line of lines) {
    batch.push(line);
    if (batch.length < linesPerBlock) continue;
    yield made(batch);
    batch = [];
  }
  if (batch.length > 0) yield made(batch);
}
