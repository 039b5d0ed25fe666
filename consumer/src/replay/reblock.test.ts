import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRenderer } from '@millrace/core/document/render.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { arbitraryRun, blockOf } from '@millrace/core/testing/blocks.ts';
import { type Block, type BlockRecord, payloadBytesMax } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import fc from 'fast-check';
import { reblock } from './reblock.ts';

function documents(block: Block, records: Iterable<BlockRecord>): RenderedDocument[] {
  const found: RenderedDocument[] = [];
  createRenderer().renderBlock(block, records, (document) => found.push(document));
  return found;
}

function assertSameEvents(block: Block, chosen: BlockRecord[]): void {
  const sent = reblock(block, chosen).map((bytes) => decodeBlock(bytes));
  assert.deepEqual(
    sent.flatMap((part) => documents(part, blockRecords(part))),
    documents(block, chosen),
  );
}

test('selected records, sent as blocks of their own, are the same events under the same ids', () => {
  const picks = fc.infiniteStream(fc.boolean());
  fc.assert(
    fc.property(fc.array(arbitraryRun, { minLength: 1, maxLength: 4 }), picks, (runs, pick) => {
      const { header, payload } = blockOf(runs);
      const block = decodeBlock(encodeBlock(header, payload));
      assertSameEvents(
        block,
        [...blockRecords(block)].filter(() => pick.next().value),
      );
    }),
  );
});

test('what has more runs, or more fillers, than a block may have is sent as several', () => {
  const many = 'abc\n'.repeat(140_000);
  const { header, payload } = blockOf([
    { bytes: Buffer.from(many), from: 0, capturedMs: 1, multiline: false },
  ]);
  const block = decodeBlock(encodeBlock(header, payload));
  const chosen = [...blockRecords(block)].filter((_, i) => i % 2 === 0);
  const sent = reblock(block, chosen).map((bytes) => decodeBlock(bytes));
  assert.equal(sent.length, 2);
  assert.deepEqual(
    sent.flatMap((part) => [...blockRecords(part)].map(({ offset }) => offset)),
    chosen.map(({ offset }) => offset),
  );
  const wide = blockOf([
    { bytes: Buffer.alloc(payloadBytesMax - 10, 'x'), from: 0, capturedMs: 1, multiline: false },
  ]);
  const [run] = wide.header.runs;
  assert.ok(run);
  run.lengths = Array.from({ length: run.size / 2 }, () => 2);
  run.exceptions = [{ from: 0, length: 2, shipped: 2, by: 'redact' }];
  const cut = decodeBlock(encodeBlock(wide.header, wide.payload));
  for (const bytes of reblock(cut, [...blockRecords(cut)].slice(0, 60_000))) decodeBlock(bytes);
});

test('records beside dropped and rewritten ones keep their offsets', () => {
  const lines = ['kept one\n', 'secret=****\n', 'kept two\n', 'kept three\n'];
  const { header, payload } = blockOf([
    { bytes: Buffer.from(lines.join('')), from: 1000, capturedMs: 1_770_000_000_000, multiline: false },
  ]);
  const [run] = header.runs;
  assert.ok(run);
  // The second line had 20 bytes, and one of 7 bytes was dropped behind it.
  run.exceptions = [
    { from: 1009, length: 20, shipped: 12, by: 'redact' },
    { from: 1029, length: 7, shipped: 0, by: 'drop' },
  ];
  run.to = 1000 + 9 + 20 + 7 + 9 + 11;
  const block = decodeBlock(encodeBlock(header, payload));
  const records = [...blockRecords(block)];
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [1000, 1009, 1036, 1045],
  );
  for (let mask = 1; mask < 16; mask++) {
    assertSameEvents(
      block,
      records.filter((_, i) => (mask >> i) & 1),
    );
  }
});
