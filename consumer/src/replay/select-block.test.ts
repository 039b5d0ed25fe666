import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { parseReplayArgs } from './request.ts';
import { selectedBlock } from './select-block.ts';
import { Selection } from './selection.ts';

test("a fault while documents are made is the block's, one while they are written is not", () => {
  const lines = { bytes: Buffer.from('a\nb\n'), from: 0, capturedMs: 5, multiline: false };
  const { header, payload } = blockOf([lines]);
  let broken = true;
  const renderer = createRenderer();
  const { renderBlock } = renderer;
  renderer.renderBlock = (block, records, emit) => {
    if (broken) throw new RangeError('too deep');
    return renderBlock(block, records, emit);
  };
  const selected = selectedBlock({
    id: '00',
    bytes: Buffer.alloc(1),
    block: { header, payload },
    share: 'whole',
    corrected: undefined,
    selection: new Selection(parseReplayArgs([], 0).request),
    renderer,
    unreadable: assert.fail,
  });
  assert.ok(selected);
  assert.throws(() => [...selected.batches()], { code: 'WIRE_CORRUPT', message: /fault: too deep/ });
  broken = false;
  const write = () => {
    for (const { documents } of selected.batches()) throw new TypeError(`not written: ${documents.length}`);
  };
  assert.throws(write, { name: 'TypeError', message: 'not written: 2' });
});
