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
