import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generationText } from '@millrace/core/ids/generation.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import type { Correction } from './corrections/correction.ts';
import { Corrections } from './corrections/corrections.ts';
import { testBlock, testGeneration } from './testing/objects.ts';
import { withoutDropped } from './without-dropped.ts';

function drop(life: number, ranges: [number, number][]): Corrections {
  const correction: Correction = {
    v: 1,
    stream: 'logs',
    number: 7,
    madeMs: 0,
    reason: '',
    select: { tags: [], hosts: [], files: [] },
    action: { drop: true },
    objects: [],
    sources: [{ generation: generationText(testGeneration(life)), ranges }],
  };
  return new Corrections([{ correction, withdrawn: false }]);
}

const texts = (block: ReturnType<typeof decodeBlock>) =>
  [...blockRecords(block)].map(({ start, end, offset }) => [
    offset,
    Buffer.from(block.payload.subarray(start, end)).toString(),
  ]);

test('records that a correction drops are gone, the others stay where they were', () => {
  const block = decodeBlock(
    testBlock([
      { from: 100, text: 'first\nsecond\nthird' },
      {
        life: 2,
        from: 0,
        length: 40,
        text: 'keep\nmasked\nlast\n',
        exceptions: [
          { from: 5, length: 5, shipped: 0, by: 'sample' },
          { from: 10, length: 25, shipped: 7, by: 'mask' },
        ],
      },
    ]),
  );
  const first = withoutDropped(block, drop(1, [[106, 113]]));
  assert.deepEqual(texts(first), [
    [100, 'first\n'],
    [113, 'third'],
    [0, 'keep\n'],
    [10, 'masked\n'],
    [35, 'last\n'],
  ]);
  assert.deepEqual(first.header.runs[0]?.exceptions, [
    { from: 106, length: 7, shipped: 0, by: 'correction 7' },
  ]);
  const second = withoutDropped(block, drop(2, [[10, 35]]));
  assert.deepEqual(texts(second), [
    [100, 'first\n'],
    [106, 'second\n'],
    [113, 'third'],
    [0, 'keep\n'],
    [35, 'last\n'],
  ]);
  assert.deepEqual(second.header.runs[1]?.exceptions, [
    { from: 5, length: 5, shipped: 0, by: 'sample' },
    { from: 10, length: 25, shipped: 0, by: 'correction 7' },
  ]);
});

test('a block that no correction drops anything of is the same', () => {
  const block = decodeBlock(testBlock([{ from: 100, text: 'first\n' }]));
  assert.equal(withoutDropped(block, drop(2, [[0, 1000]])), block);
});
