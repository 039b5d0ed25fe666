import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { isMillraceError } from '../errors.ts';
import { blockId } from '../ids/block-id.ts';
import { arbitraryRun, blockOf } from '../testing/blocks.ts';
import { type BlockHeader, blockBytesMax, type Exception } from '../wire/block.ts';
import { encodeBlock } from '../wire/encode.ts';
import { ByteWriter } from '../wire/varint.ts';
import { decodeFooter, footerFrameLength } from './decode-footer.ts';
import { encodeFooter } from './encode-footer.ts';
import { type Footer, type FooterControl, footerFrameBytesMax, footerHeadBytes } from './footer.ts';
import { FooterBuilder } from './footer-builder.ts';

const goldenFile = new URL('golden/v1/one-block.json', import.meta.url);

function example(): Footer {
  return {
    stream: 'logs',
    blocks: [
      {
        offset: 0,
        length: 300,
        id: '00112233445566778899aabbccddeeff',
        arrivalMs: 1_700_000_000_123,
        sequence: '258',
      },
    ],
    sources: [
      {
        generation: Buffer.from('0123456789ab7fffbfffffffffffffff', 'hex'),
        host: 'web-1',
        path: '/var/log/a.log',
        tag: 'a',
        rule: '{"parse":{"type":"none"},"v":1}',
        covered: [{ from: 0, to: 4096 }],
        exceptions: [{ from: 100, length: 50, shipped: 0, by: 'drop-health' }],
      },
    ],
    capturedFirstMs: 1_700_000_000_000,
    capturedLastMs: 1_700_000_000_100,
    payloadBytes: 4046,
    days: [{ date: '2023.11.14', events: 31 }],
  };
}

/** One text for equal footers, whether bytes are held as Buffer or Uint8Array. */
function asText(value: unknown): string {
  return JSON.stringify(value, (_, item) =>
    item?.type === 'Buffer' || item instanceof Uint8Array
      ? Buffer.from(item.data ?? item).toString('hex')
      : item,
  );
}

test('the golden footer of version 1 has the documented bytes', () => {
  const frame = encodeFooter(example());
  if (process.argv.includes('--update-golden')) {
    writeFileSync(
      goldenFile,
      `${JSON.stringify({ footer: JSON.parse(asText(example())), hex: frame.toString('hex') }, null, 2)}\n`,
    );
  }
  const golden = JSON.parse(readFileSync(goldenFile, 'utf8'));
  assert.equal(frame.toString('hex'), golden.hex);
  assert.deepEqual(JSON.parse(asText(decodeFooter(Buffer.from(golden.hex, 'hex'), 300))), golden.footer);
});

test('the worked example in the documentation is the golden footer', () => {
  const doc = readFileSync(new URL('../../../docs/wire-format-archive.md', import.meta.url), 'utf8');
  const dump = /```hex footer\n([\s\S]*?)```/.exec(doc)?.[1] ?? '';
  const hex = dump
    .split('\n')
    .map((line) => line.replace(/\s{2,}[^\s].*$/, ''))
    .join('')
    .replaceAll(/\s/g, '');
  assert.equal(hex, encodeFooter(example()).toString('hex'));
});

const name = fc.string({ maxLength: 12 });
const offset = fc.integer({ min: 0, max: 2 ** 44 });
const ascending = fc.uniqueArray(offset, { maxLength: 12 }).map((list) => list.sort((a, b) => a - b));
const generation = fc.uint8Array({ minLength: 16, maxLength: 16 });
const atMs = fc.integer({ min: 0, max: 2 ** 42 });
const arbitraryControl: fc.Arbitrary<FooterControl> = fc.record({
  host: name,
  agent: generation,
  entries: fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('heartbeat' as const), atMs, intervalMs: offset }),
      fc.record({ kind: fc.constant('stopped' as const), atMs }),
      fc.record({
        kind: fc.constantFrom('seen' as const, 'vanished' as const, 'closed' as const, 'deleted' as const),
        atMs,
        generation,
        path: name,
        tag: name,
        size: offset,
        position: offset,
      }),
    ),
    { maxLength: 4 },
  ),
});
const arbitraryFooter: fc.Arbitrary<Footer> = fc
  .record({
    lengths: fc.array(
      fc.record({
        length: fc.integer({ min: 1, max: blockBytesMax }),
        id: fc
          .uint8Array({ minLength: 16, maxLength: 16 })
          .map((bytes) => Buffer.from(bytes).toString('hex')),
        arrivalMs: fc.integer({ min: 0, max: 2 ** 45 }),
        sequence: fc.oneof(fc.constant(''), fc.bigInt({ min: 0n, max: 2n ** 186n }).map(String)),
        times: fc.option(
          fc.oneof(
            fc.constant('none' as const),
            fc
              .tuple(fc.integer({ min: -1e10, max: 1e10 }), fc.nat())
              .map(([first, span]) => ({ first, last: first + span })),
          ),
          { nil: undefined },
        ),
      }),
      { maxLength: 10 },
    ),
    sources: fc.array(
      fc.record({
        generation: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        host: name,
        path: name,
        tag: name,
        rule: name,
        covered: ascending.map((list) =>
          list.flatMap((from, i) =>
            i % 2 === 0 && list[i + 1] !== undefined ? [{ from, to: list[i + 1] ?? 0 }] : [],
          ),
        ),
        exceptions: ascending.chain((list) =>
          fc.tuple(
            ...list.map((from) =>
              fc.record({ from: fc.constant(from), length: offset, shipped: offset, by: name }),
            ),
          ),
        ),
        dated: fc.option(
          ascending.map((list) =>
            list.map((from, i) => ({ date: `2026.11.${i % 3}`, from, to: from + i, events: i })),
          ),
          { nil: undefined },
        ),
      }),
      { maxLength: 6 },
    ),
    control: fc.option(fc.array(arbitraryControl, { maxLength: 3 }), { nil: undefined }),
    captured: fc.tuple(offset, offset),
    payloadBytes: offset,
    days: fc.array(fc.record({ date: name, events: offset }), { maxLength: 4 }),
  })
  .map(({ lengths, sources, captured, payloadBytes, days, control }) => {
    let at = 0;
    const blocks = lengths.map(({ times, ...block }) => {
      const item = { offset: at, ...block, ...(times === undefined ? {} : { times }) };
      at += block.length;
      return item;
    });
    const footer: Footer = {
      stream: 'logs',
      blocks,
      sources: sources as Footer['sources'],
      capturedFirstMs: Math.min(...captured),
      capturedLastMs: Math.max(...captured),
      payloadBytes,
    };
    if (days.length > 0) footer.days = days;
    if (control !== undefined) footer.control = control;
    return footer;
  });

const endOf = (footer: Footer) => footer.blocks.reduce((sum, block) => sum + block.length, 0);

test('decoding an encoded footer gives back every part of it', () => {
  fc.assert(
    fc.property(arbitraryFooter, (footer) => {
      const frame = encodeFooter(footer);
      assert.equal(footerFrameLength(frame.subarray(-9)), frame.length);
      const decoded = decodeFooter(frame, endOf(footer));
      assert.deepEqual(JSON.parse(asText(decoded)), JSON.parse(asText(footer)));
      assert.deepEqual(encodeFooter(decoded), frame, 'equal footers are equal bytes');
    }),
    { numRuns: 300 },
  );
});

test('damaged footers are coded errors, whatever the damage', () => {
  const codes = ['ARCHIVE_CORRUPT', 'WIRE_UNSUPPORTED'];
  fc.assert(
    fc.property(
      arbitraryFooter,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (footer, damage, repairChecksum) => {
        const frame = Buffer.from(encodeFooter(footer));
        for (const [at, byte] of damage) frame[at % frame.length] = byte;
        // With the checksum made right again the damage reaches the field reader.
        if (repairChecksum) frame.writeUInt32LE(crc32(frame.subarray(footerHeadBytes, -8)), 12);
        try {
          decodeFooter(frame, endOf(footer));
        } catch (error) {
          assert.ok(isMillraceError(error) && codes.includes(error.code), String(error));
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('arbitrary bytes are no footer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(() => decodeFooter(bytes, 0), { code: 'ARCHIVE_CORRUPT' });
    }),
  );
});

function frameOf(fields: Uint8Array): Buffer {
  const body = Buffer.concat([Uint8Array.of(0), new ByteWriter().varint(fields.length).bytes(), fields]);
  const frame = Buffer.alloc(16 + body.length + 8);
  frame.writeUInt32LE(0x184d2a5f, 0);
  frame.writeUInt32LE(frame.length - 8, 4);
  frame.write('MRF1', 8);
  frame.writeUInt32LE(crc32(body), 12);
  body.copy(frame, 16);
  frame.writeUInt32LE(frame.length, frame.length - 8);
  frame.write('MRF1', frame.length - 4);
  return frame;
}

test('an unknown even field is skipped, an unknown odd one is refused', () => {
  const fields = () => new ByteWriter().field(1, 'logs');
  assert.equal(decodeFooter(frameOf(fields().field(90, 'later').bytes()), 0).stream, 'logs');
  assert.throws(() => decodeFooter(frameOf(fields().field(91, 'later').bytes()), 0), {
    code: 'WIRE_UNSUPPORTED',
  });
});

test('a footer that promises more than its limits is refused before it takes memory', () => {
  const huge = Buffer.alloc(12);
  huge.writeUInt32LE(footerFrameBytesMax + 1, 4);
  huge.write('MRF1', 8);
  assert.throws(() => footerFrameLength(huge), { code: 'ARCHIVE_CORRUPT', message: /footer frame of/ });
  const covered = new ByteWriter();
  for (let i = 0; i < 1_048_577; i++) covered.varint(1).varint(1);
  const source = new ByteWriter().raw(Buffer.alloc(16)).varint(0).varint(0).varint(0).sized('');
  const fields = new ByteWriter().field(1, 'logs').field(5, 'h').field(7, 't').field(9, 'r');
  fields.field(11, source.field(1, covered.bytes()).bytes());
  assert.throws(() => decodeFooter(frameOf(fields.bytes()), 0), { message: /more than 1048576 intervals/ });
});

test('a built footer covers exactly the runs of its blocks, whatever their order and overlap', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(arbitraryRun, { minLength: 1, maxLength: 4 }), { maxLength: 8 }),
      (blocks) => {
        const builder = new FooterBuilder('logs');
        const want = new Map<string, { from: number; to: number }[]>();
        for (const [i, runs] of blocks.entries()) {
          const { header, payload } = blockOf(runs);
          const bytes = encodeBlock(header, payload);
          builder.add(
            { length: bytes.length, id: blockId(bytes), arrivalMs: i, sequence: String(i) },
            header,
          );
          for (const run of header.runs) {
            const path = header.sources[run.source]?.path ?? '';
            want.set(path, [...(want.get(path) ?? []), { from: run.from, to: run.to }]);
          }
        }
        const footer = decodeFooter(encodeFooter(builder.build()), builder.offset);
        assert.equal(footer.sources.length, want.size);
        for (const source of footer.sources) {
          const list = want.get(source.path) ?? [];
          for (const point of list.flatMap((run) => [run.from - 1, run.from, run.to - 1, run.to])) {
            const has = (items: { from: number; to: number }[]) =>
              items.some((it) => it.from <= point && point < it.to);
            assert.equal(has(source.covered), has(list), `${source.path} at ${point}`);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('intervals that touch are one, in whatever order their blocks came', () => {
  const builder = new FooterBuilder('logs');
  for (const from of [20, 0, 10, 40]) {
    const { header } = blockOf([{ bytes: Buffer.alloc(10, 'x'), from, capturedMs: 1, multiline: false }]);
    builder.add({ length: 9, id: blockId(Buffer.of(from)), arrivalMs: 1, sequence: '' }, header);
  }
  assert.deepEqual(builder.build().sources[0]?.covered, [
    { from: 0, to: 30 },
    { from: 40, to: 50 },
  ]);
});

test('neighbouring exceptions of one filter are told as one', () => {
  const by = 'health';
  const exceptions: Exception[] = [
    { from: 10, length: 10, shipped: 0, by },
    { from: 20, length: 5, shipped: 2, by },
    { from: 30, length: 5, shipped: 0, by },
  ];
  const { header, payload } = blockOf([
    { bytes: Buffer.from('a\n'), from: 0, capturedMs: 5, multiline: false },
  ]);
  const run = header.runs[0];
  assert.ok(run);
  header.runs = [{ ...run, to: 40, exceptions }];
  const builder = new FooterBuilder('logs');
  builder.add(
    { length: payload.length, id: 'ab'.repeat(16), arrivalMs: 1, sequence: '' },
    header satisfies BlockHeader,
  );
  assert.deepEqual(builder.build().sources[0]?.exceptions, [
    { from: 10, length: 15, shipped: 2, by },
    { from: 30, length: 5, shipped: 0, by },
  ]);
});

test('dates of events are counted, and withheld once one block has none', () => {
  const builder = new FooterBuilder('logs');
  builder.addDay('2026.02.03', 2);
  builder.addDay('2026.01', 1);
  builder.addDay('2026.02.03', 5);
  assert.deepEqual(builder.build().days, [
    { date: '2026.01', events: 1 },
    { date: '2026.02.03', events: 7 },
  ]);
  builder.daysUnknown();
  assert.equal(builder.build().days, undefined);
});

test('times of events are told block by block: known, none, or unknown', () => {
  const { header } = blockOf([{ bytes: Buffer.from('a\n'), from: 0, capturedMs: 5, multiline: false }]);
  const builder = new FooterBuilder('logs');
  const ids = ['01', '02', '03', '04'].map((id) => id.repeat(16));
  for (const id of ids) builder.add({ length: 9, id, arrivalMs: 5, sequence: '1' }, header);
  builder.add({ length: 9, id: 'cc'.repeat(16), arrivalMs: 5, sequence: '2' }, { ...header, runs: [] });
  builder.setTimes(ids[0] ?? '', { first: 1_700_000_000, last: 1_700_000_009 });
  builder.setTimes(ids[1] ?? '', { first: 1_699_999_999, last: 1_699_999_999 });
  builder.setTimes(ids[3] ?? '', 'none');
  const footer = builder.build();
  assert.deepEqual(
    decodeFooter(encodeFooter(footer), builder.offset).blocks.map(({ times }) => times),
    [
      { first: 1_700_000_000, last: 1_700_000_009 },
      { first: 1_699_999_999, last: 1_699_999_999 },
      undefined,
      'none',
      'none',
    ],
  );
  const doc = readFileSync(new URL('../../../docs/wire-format-archive.md', import.meta.url), 'utf8');
  const documented = /```hex times\n(.*?) {2}/.exec(doc)?.[1]?.replaceAll(' ', '') ?? '';
  const table = Buffer.concat(footer.blocks.map(() => Buffer.concat([Buffer.of(9), Buffer.alloc(18)])));
  const fields = new ByteWriter().field(1, 'logs').field(3, table).raw(Buffer.from(documented, 'hex'));
  assert.deepEqual(
    decodeFooter(frameOf(fields.bytes()), builder.offset).blocks.map(({ times }) => times),
    footer.blocks.map(({ times }) => times),
  );
});

test('zstd passes over the footer and prints the lines of the blocks before it', () => {
  const { header, payload } = blockOf([
    { bytes: Buffer.from('one\ntwo\n'), from: 0, capturedMs: 5, multiline: false },
  ]);
  const block = encodeBlock(header, payload);
  const builder = new FooterBuilder('logs');
  builder.add({ length: block.length, id: blockId(block), arrivalMs: 1, sequence: '7' }, header);
  const run = spawnSync('zstd', ['-dc'], { input: Buffer.concat([block, encodeFooter(builder.build())]) });
  assert.equal(run.stdout.toString(), 'one\ntwo\n', run.stderr.toString());
});
