import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRenderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { renderedBatches } from './batches.ts';

const capturedMs = Date.UTC(2026, 1, 3, 4);

test('a block in batches has the documents of the block as a whole, never very many at a time', () => {
  const block = blockOf([
    { bytes: Buffer.alloc(23_456, 'a\n'), from: 0, capturedMs, multiline: false },
    { bytes: Buffer.alloc(20_001, '\n'), from: 7, capturedMs, multiline: false },
  ]);
  const renderer = createRenderer();
  const whole: RenderedDocument[] = [];
  renderer.renderBlock(block, blockRecords(block), (document) => whole.push(document));
  const batches = [...renderedBatches(renderer, block)].map(({ documents }) => documents);
  assert.deepEqual(batches.flat(), whole);
  assert.ok(batches.length > 3 && batches.every((documents) => documents.length <= 10_000));
});

test('documents far longer than their records are never very many bytes at a time', () => {
  const rule = JSON.stringify({ add: { note: 'é'.repeat(4_000) }, parse: { type: 'none' }, v: 1 });
  const block = blockOf([{ bytes: Buffer.alloc(9_000, '\n'), from: 0, capturedMs, multiline: false }], rule);
  const batches = [...renderedBatches(createRenderer(), block)].map(({ documents }) => documents);
  assert.equal(batches.flat().length, 9_000);
  for (const documents of batches) {
    const bytes = documents.reduce((sum, { source }) => sum + Buffer.byteLength(source), 0);
    assert.ok(bytes <= 16 * 1024 * 1024 + 10_000, `${bytes} bytes`);
  }
});

test('records of an unknown rule come back unrendered, batch by batch', () => {
  const bytes = Buffer.alloc(10_001, '\n');
  const block = blockOf(
    [{ bytes, from: 0, capturedMs, multiline: false }],
    '{"parse":{"type":"later"},"v":9}',
  );
  const ids = [...renderedBatches(createRenderer(), block)].map(
    ({ unrendered }) => unrendered[0]?.ids.length,
  );
  assert.deepEqual(ids.slice(0, 2), [10_000, 1]);
});

test('stretches say which bytes the documents of each date are of, also across batches', () => {
  const day = (hour: string) => `{"time":"2026-11-${hour}:00:00Z"}\n`;
  const dated = Buffer.from(day('20T10').repeat(3) + day('21T10').repeat(2) + day('20T11'));
  const size = day('20T10').length;
  const rule = '{"parse":{"type":"json"},"time":{"key":"time","type":"string"},"v":1}';
  const at = Date.UTC(2026, 10, 22);
  const block = blockOf(
    [
      { bytes: dated, from: 100, capturedMs: at, multiline: false },
      { bytes: Buffer.alloc(25_000, '\n'), from: 7, capturedMs: at, multiline: false },
    ],
    rule,
  );
  const stretches = [...renderedBatches(createRenderer(), block)].flatMap((batch) => batch.stretches);
  assert.deepEqual(
    stretches.map(({ source, index, from, to, events }) => [source.path, index.slice(-10), from, to, events]),
    [
      ['/var/log/0.log', '2026.11.20', 100, 100 + 3 * size, 3],
      ['/var/log/0.log', '2026.11.21', 100 + 3 * size, 100 + 5 * size, 2],
      ['/var/log/0.log', '2026.11.20', 100 + 5 * size, 100 + 6 * size, 1],
      ['/var/log/1.log', '2026.11.22', 7, 25_007, 25_000],
    ],
  );
});

test('a batch tells the seconds of its first and its last event', () => {
  const line = (time: string) => `{"time":"${time}"}\n`;
  const text = line('2026-11-20T10:00:05.9Z') + line('2026-11-20T09:59:59Z') + line('2026-11-20T10:00:05.1Z');
  const rule = '{"parse":{"type":"json"},"time":{"key":"time","type":"string"},"v":1}';
  const block = blockOf([{ bytes: Buffer.from(text), from: 0, capturedMs, multiline: false }], rule);
  const [batch] = [...renderedBatches(createRenderer(), block)];
  assert.deepEqual(batch?.times, {
    first: Date.UTC(2026, 10, 20, 9, 59, 59) / 1000,
    last: Date.UTC(2026, 10, 20, 10, 0, 5) / 1000,
  });
});
