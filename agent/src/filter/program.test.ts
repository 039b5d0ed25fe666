import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockBytesMax, payloadBytesMax } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import fc from 'fast-check';
import { BlockBuilder } from '../gather/builder.ts';
import type { EdgeStep } from './filter.ts';
import { EdgeProgram } from './program.ts';
import type { EdgeRecord } from './record.ts';

const origin = { capturedMs: 1_000, path: '/a.log' };
const head = { host: 'h', agent: Buffer.alloc(16), stream: 'logs' };

function stepOf(by: string, judge: EdgeStep['judge'], wholeRecords = true): EdgeStep {
  return wholeRecords ? { by, judge, wholeRecords } : { by, judge };
}

/** Drops what begins with `x`, makes what begins with `g` longer, and counts what it saw. */
function exampleProgram(seen: string[] = []): EdgeProgram {
  return new EdgeProgram([
    stepOf('count', (record) => {
      seen.push(record.text);
      return 'keep';
    }),
    stepOf('drop', ({ text }) => (text.startsWith('x') ? 'drop' : 'keep')),
    stepOf('grow', ({ text, bytes }) =>
      text.startsWith('g') ? Buffer.concat([Buffer.from('gg'), bytes]) : 'keep',
    ),
  ]);
}

/** All of `bytes` through blocks as a file's: each is closed when nothing more fits. */
async function throughBlocks(program: EdgeProgram, bytes: Buffer, room: number) {
  const builder = new BlockBuilder();
  const received: { offset: number; text: string }[] = [];
  let from = 0;
  for (let blocks = 0; from < bytes.length; blocks++) {
    assert.ok(blocks < 10_000, 'it goes on');
    let taken = 1;
    while (taken > 0 && from < bytes.length) {
      const space = Math.min(builder.room, builder.empty ? payloadBytesMax : room);
      // With little room a block begins with one line: the others have to find theirs.
      const one = builder.empty && room < payloadBytesMax;
      const end = one
        ? bytes.indexOf(0x0a, from) + 1
        : bytes.length - from <= space
          ? bytes.length
          : bytes.lastIndexOf(0x0a, from + space - 1) + 1;
      taken = 0;
      if (end <= from) break;
      const { consumed, shipped } = program.apply(bytes.subarray(from, end), undefined, from, origin, space);
      taken = consumed;
      if (taken === 0) break;
      bytes.copy(builder.free(), 0, from, from + taken);
      const run = { generation: Buffer.alloc(16), tag: 't', rule: '{"parse":{"type":"none"},"v":1}', from };
      const cut = { size: taken, continued: false };
      builder.add({ ...run, ...origin, continues: false }, cut, undefined, shipped);
      from += taken;
    }
    const built = await builder.build(head);
    assert.ok(built.bytes.length <= blockBytesMax);
    const block = decodeBlock(built.bytes);
    for (const { offset, start, end } of blockRecords(block))
      received.push({ offset, text: Buffer.from(block.payload.subarray(start, end)).toString('latin1') });
  }
  return received;
}

test('alternating drops on tiny lines close blocks early, and nothing is lost', async () => {
  const lines = Array.from({ length: 600_000 }, (_, i) => (i % 2 === 0 ? 'x\n' : `${'abcdef'[i % 6]}\n`));
  const bytes = Buffer.from(lines.join(''));
  const received = await throughBlocks(exampleProgram(), bytes, payloadBytesMax);
  assert.equal(received.length, 300_000);
  assert.ok(received.every(({ offset, text }, i) => offset === i * 4 + 2 && text === lines[i * 2 + 1]));
});

test('records that are all dropped are a block without payload', async () => {
  const bytes = Buffer.from('x\n'.repeat(1_000));
  assert.deepEqual(await throughBlocks(exampleProgram(), bytes, payloadBytesMax), []);
  const { shipped } = exampleProgram().apply(bytes, undefined, 5, origin, payloadBytesMax);
  assert.deepEqual(shipped?.exceptions, [{ from: 5, length: 2_000, shipped: 0, by: 'drop' }]);
});

test('each record is judged once and comes out the same however little room blocks have', async () => {
  const line = fc
    .tuple(fc.constantFrom('x', 'g', 'a'), fc.string({ maxLength: 30 }))
    .map(([first, rest]) => `${first}${rest.replace(/[\r\n]/g, '')}\n`);
  const cases = fc.asyncProperty(
    fc.array(line, { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 0, max: 200 }),
    async (lines, room) => {
      const seen: string[] = [];
      const bytes = Buffer.from(lines.join(''));
      const expected: { offset: number; text: string }[] = [];
      let offset = 0;
      for (const text of lines) {
        const shipped = Buffer.from(text).toString('latin1');
        if (!text.startsWith('x'))
          expected.push({ offset, text: text.startsWith('g') ? `gg${shipped}` : shipped });
        offset += Buffer.byteLength(text);
      }
      assert.deepEqual(await throughBlocks(exampleProgram(seen), bytes, room), expected);
      assert.equal(seen.length, lines.length);
    },
  );
  await fc.assert(cases, { numRuns: 60 });
});

test('a table of lengths is kept for what is shipped', () => {
  const bytes = Buffer.from('a\nb\nx\nc\ng\n');
  const { shipped } = exampleProgram().apply(bytes, [4, 4, 2], 0, origin, payloadBytesMax);
  assert.deepEqual(shipped?.lengths, [4, 4]);
  assert.equal(shipped?.bytes.toString(), 'a\nb\nggg\n');
});

test('the pieces of a record that was cut share the fate of its first, and are rewritten each', () => {
  const judged: string[] = [];
  const program = new EdgeProgram([
    stepOf('drop', ({ text }) => {
      judged.push(text);
      return text.startsWith('x') ? 'drop' : 'keep';
    }),
    stepOf(
      'star',
      ({ text }: EdgeRecord) => (text.includes('s') ? Buffer.from(text.replaceAll('s', '*')) : 'keep'),
      false,
    ),
  ]);
  const apply = (text: string, from: number, flags: { continues?: boolean; continued?: boolean }) =>
    program.apply(Buffer.from(text), undefined, from, { ...origin, ...flags }, payloadBytesMax).shipped;
  assert.equal(apply('x12', 0, { continued: true })?.exceptions[0]?.by, 'drop');
  assert.equal(apply('as3', 3, { continues: true, continued: true })?.exceptions[0]?.by, 'drop');
  const last = apply('s\nas\n', 6, { continues: true });
  assert.deepEqual(
    last?.exceptions.map(({ from, shipped }) => [from, shipped]),
    [
      [6, 0],
      [8, 2],
    ],
  );
  assert.equal(apply('as1', 11, { continued: true })?.bytes.toString(), 'a*1');
  assert.equal(apply('xs\n', 14, { continues: true })?.bytes.toString(), 'x*');
  assert.deepEqual(judged, ['x12', 'as', 'as1']);
});
