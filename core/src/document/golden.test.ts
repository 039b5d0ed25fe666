import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Block, BlockRecord } from '../wire/block.ts';
import { createRenderer } from './render.ts';
import { reservedNames } from './reserved.ts';
import type { RenderedDocument } from './types.ts';

/** One record and the document it must become for as long as archives exist (D2, D13). */
interface GoldenCase {
  name: string;
  rule: string;
  /** The record's bytes with its terminator, as text or base64. */
  record: { utf8: string } | { base64: string };
  captured: string;
  /** The file's; `/var/log/app.log` where absent. */
  path?: string;
  expected: { id: string; index: string; error?: string; document: Record<string, unknown> };
}

const root = new URL('./golden/', import.meta.url);

function render(
  rule: string,
  payload: Buffer,
  captured: string,
  path = '/var/log/app.log',
): RenderedDocument {
  const source = {
    generation: Buffer.from('0123456789ab7cde8f0123456789abcd', 'hex'),
    path,
    tag: 'app',
    rule: 0,
  };
  const flags = { filler: false, continues: false, continued: false };
  const span = { from: 4096, to: 4096 + payload.length, size: payload.length };
  const run = { source: 0, capturedMs: Date.parse(captured), lengths: [payload.length], ...span, ...flags };
  const agent = Buffer.alloc(16);
  const header = { host: 'web-1', agent, stream: 'logs', rules: [rule], sources: [source], runs: [run] };
  const block: Block = { header, payload };
  const record: BlockRecord = { run, source, start: 0, end: payload.length, offset: run.from };
  const documents: RenderedDocument[] = [];
  const unrendered = createRenderer().renderBlock(block, [record], (document) => documents.push(document));
  assert.deepEqual(unrendered, []);
  const [document] = documents;
  assert.ok(document !== undefined && documents.length === 1);
  return document;
}

for (const version of readdirSync(root).sort()) {
  for (const file of readdirSync(new URL(`${version}/`, root)).sort()) {
    const cases = JSON.parse(readFileSync(new URL(`${version}/${file}`, root), 'utf8')) as GoldenCase[];
    for (const { name, rule, record, captured, path, expected } of cases) {
      test(`rules ${version} keep their meaning, ${file}: ${name}`, () => {
        const bytes = 'utf8' in record ? Buffer.from(record.utf8) : Buffer.from(record.base64, 'base64');
        const { id, index, error, source } = render(rule, bytes, captured, path);
        assert.doesNotMatch(source, /[\n\r]/);
        const document = JSON.parse(source) as Record<string, unknown>;
        const actual = { id, index, ...(error === undefined ? {} : { error }), document };
        assert.deepEqual(actual, expected);
        for (const member of Object.keys(document))
          assert.ok((reservedNames as readonly string[]).includes(member), member);
      });
    }
  }
}
