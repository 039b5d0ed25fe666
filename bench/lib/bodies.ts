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
const linesAtOnce = 5_000;

/** The pipeline's own documents, as the pipeline sends them. */
export function ownAction(document: RenderedDocument): string {
  return bulkAction(document, new Date().toISOString());
}

/**
 * The same content as shippers usually send it: every parsed field a member of the document, in an index of its own
 * without a template, so that the engine's default dynamic mapping takes it.
 */
export function plainAction({ index, id, source }: RenderedDocument): string {
  const { kv: _kv, kn: _kn, fields, ...rest } = JSON.parse(source) as Record<string, object>;
  const plain = index.replace('millrace-', 'plain-');
  return `{"create":{"_index":"${plain}","_id":"${id}"}}\n${JSON.stringify({ ...rest, ...fields })}\n`;
}

/** Makes `_bulk` bodies of access-log lines beforehand, for bulk-loader.ts. */
export function writeBodies(
  path: string,
  stream: string,
  lines: Iterable<string>,
  action: (document: RenderedDocument) => string,
): void {
  const renderer = createRenderer();
  const fd = openSync(path, 'w');
  const generation = mintGeneration(systemClock);
  let offset = 0;
  let body = '';
  const flush = () => {
    const bytes = Buffer.from(body);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    writeSync(fd, head);
    writeSync(fd, bytes);
    body = '';
  };
  const render = (batch: string[]) => {
    const block = blockOfLines(batch, stream, generation, offset);
    offset += block.payload.length;
    renderer.renderBlock(block, blockRecords(block), (document) => {
      body += action(document);
      if (body.length > bodyBytes) flush();
    });
  };
  let batch: string[] = [];
  for (const line of lines) {
    batch.push(line);
    if (batch.length < linesAtOnce) continue;
    render(batch);
    batch = [];
  }
  if (batch.length > 0) render(batch);
  if (body !== '') flush();
  closeSync(fd);
}

/** The lines that the benches of the consumer use; different for each run. */
export function benchLines(lines: number, run: number): Iterable<string> {
  return accessLogLines(lines, 1000 + run);
}

function blockOfLines(batch: string[], stream: string, generation: Buffer, from: number): Block {
  const payload = Buffer.from(batch.join(''));
  const run: Block['header']['runs'][0] = {
    source: 0,
    from,
    to: from + payload.length,
    capturedMs: Date.now(),
    size: payload.length,
    filler: false,
    continues: false,
    continued: false,
  };
  const rules = [ruleText({ v: 1, parse: { type: 'nginx' } })];
  const source = { generation, path: '/var/log/nginx/access.log', tag: 'bench', rule: 0 };
  const header = { host: 'bench', agent: generation, stream, rules, sources: [source], runs: [run] };
  return { header, payload };
}
