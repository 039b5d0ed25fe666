import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { payloadBytesMax } from '@millrace/core/wire/block.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { Case } from '../testing/case.ts';

const grep = ['<filter **>', '@type grep', '@id g', 'exclude1 message ^drop', '</filter>'];
const redact = ['<filter **>', '@type redact', '@id r', '</filter>'];

/** What the stream has of one generation: records by offset, and the source bytes that runs cover. */
function arrivals(blocks: Uint8Array[]) {
  const seen = new Map(blocks.map((bytes) => [blockId(bytes), bytes]));
  const records: { offset: number; text: string }[] = [];
  const covered: { from: number; to: number }[] = [];
  const dropped = new Map<string, number>();
  for (const bytes of seen.values()) {
    const block = decodeBlock(bytes);
    for (const { from, to, exceptions = [] } of block.header.runs) {
      covered.push({ from, to });
      for (const { by, length, shipped } of exceptions)
        if (shipped === 0) dropped.set(by, (dropped.get(by) ?? 0) + length);
    }
    for (const { offset, start, end } of blockRecords(block))
      records.push({ offset, text: Buffer.from(block.payload.subarray(start, end)).toString() });
  }
  covered.sort((a, b) => a.from - b.from);
  return { records: records.sort((a, b) => a.offset - b.offset), covered, dropped };
}

/** Every byte of the source is in exactly one run. */
function assertCovered(covered: { from: number; to: number }[], size: number): void {
  let at = 0;
  for (const { from, to } of covered) {
    assert.equal(from, at, 'no gap and no overlap');
    at = to;
  }
  assert.equal(at, size);
}

describe('filters in the agent', { concurrency: 2 }, () => {
  test('offsets are those of the source whatever is dropped and rewritten, and documents come of them', async (t) => {
    const world = await Case.open(t, { filters: [...grep, ...redact] });
    const lines = Array.from({ length: 3_000 }, (_, i) =>
      i % 3 === 0 ? `drop ${i}\n` : i % 3 === 1 ? `keep ${i}\n` : `mail user${i}@example.com ${i}\n`,
    );
    world.write('a.log', lines.join(''));
    await world.start();
    await world.until(() => arrivals(world.stream.blocks).records.length >= 2_000, '2000 records');
    await world.stop();
    const { records, covered, dropped } = arrivals(world.stream.blocks);
    const expected: { offset: number; text: string }[] = [];
    let offset = 0;
    for (const line of lines) {
      const text = line.replace(/\S+@\S+/, (address) => '*'.repeat(address.length));
      if (!line.startsWith('drop')) expected.push({ offset, text });
      offset += line.length;
    }
    assert.deepEqual(records, expected);
    assertCovered(covered, offset);
    assert.deepEqual([...dropped.keys()], ['grep g']);
    const ids = new Set<string>();
    for (const bytes of world.stream.blocks) {
      const block = decodeBlock(bytes);
      createRenderer().renderBlock(block, blockRecords(block), ({ id }) => ids.add(id));
    }
    assert.equal(ids.size, 2_000);
  });

  test('a file of which nothing is kept is read to its end, and not again after a restart', async (t) => {
    const world = await Case.open(t, { filters: grep });
    world.write('a.log', 'drop me\n'.repeat(500));
    await world.start();
    await world.until(() => arrivals(world.stream.blocks).dropped.get('grep g') === 4_000, 'all is dropped');
    await world.agent.kill();
    await world.start();
    world.append('a.log', 'kept\n');
    await world.arrived('kept\n');
    await world.stop();
    const { records, covered } = arrivals(world.stream.blocks);
    assert.deepEqual(records, [{ offset: 4_000, text: 'kept\n' }]);
    assertCovered(covered, 4_005);
  });

  test('what was decided is decided once, however often the agent is killed', async (t) => {
    const sample = ['<filter **>', '@type sample', '@id s', 'interval 3', '</filter>'];
    const world = await Case.open(t, { filters: sample });
    let size = 0;
    for (let round = 0; round < 4; round++) {
      world.stream.always = {
        do: round % 2 === 0 ? 'fail' : 'accept',
        status: 500,
        code: 'InternalFailure',
      } as never;
      await world.start();
      for (let i = 0; i < 20; i++) {
        const text = Array.from({ length: 25 }, (_, n) => `round ${round} ${i} ${n}\n`).join('');
        world.append('a.log', text);
        size += text.length;
        await delay(15);
      }
      await world.agent.kill();
    }
    world.stream.always = { do: 'accept' };
    await world.start();
    await world.until(
      () => (arrivals(world.stream.blocks).covered.at(-1)?.to ?? 0) === size,
      'all is covered',
    );
    await world.stop();
    const { records, covered } = arrivals(world.stream.blocks);
    assertCovered(covered, size);
    // One of three, give or take one for each time that counting began anew.
    assert.ok(Math.abs(records.length - 2_000 / 3) <= 10, `${records.length} of 2000`);
  });

  test('a record over the limit is kept or dropped as a whole, and redacted in all its pieces', async (t) => {
    const world = await Case.open(t, { filters: [...grep, ...redact] });
    const long = (first: string) => `${first} ${'a@b.co text '.repeat(170_000)}\n`;
    const texts = [long('drop'), 'between\n', long('keep'), 'end\n'];
    world.write('a.log', texts.join(''));
    await world.start();
    await world.arrived('end\n');
    await world.stop();
    const { records, covered } = arrivals(world.stream.blocks);
    const whole = records.map(({ text }) => text).join('');
    assert.ok(records.length >= 5 && records.every(({ text }) => text.length <= payloadBytesMax));
    assertCovered(covered, texts.join('').length);
    assert.ok(whole.startsWith('between\nkeep ****** text') && whole.endsWith('text \nend\n'));
    assert.ok(!whole.includes('drop'));
    // An address that lies across a cut is the one that is not seen.
    assert.ok((whole.match(/a@b\.co/g) ?? []).length <= 3);
  });
});
