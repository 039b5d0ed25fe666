import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { MillraceError } from '../errors.ts';
import { blockId } from '../ids/block-id.ts';
import { arbitraryRun, blockOf } from '../testing/blocks.ts';
import { type Block, blockBytesMax, payloadBytesMax } from './block.ts';
import type { ControlEntry } from './control.ts';
import { decodeBlock, looksLikeBlock } from './decode.ts';
import { encodeBlock } from './encode.ts';
import { blockRecords } from './records.ts';
import { ByteReader, ByteWriter } from './varint.ts';
import { blockFrameMagic, compressFrame, skippableFrame, zstdFrameLength } from './zstd-frame.ts';

/** Source bytes and records of each run, as a reader reconstructs them. */
function reconstruct(block: Block): { bytes: Buffer; records: { offset: number; bytes: Buffer }[] }[] {
  const result = block.header.runs.map(() => ({
    bytes: Buffer.alloc(0),
    records: [] as { offset: number; bytes: Buffer }[],
  }));
  for (const record of blockRecords(block)) {
    const bytes = Buffer.from(block.payload.subarray(record.start, record.end));
    const entry = result[block.header.runs.indexOf(record.run)];
    assert.ok(entry);
    entry.records.push({ offset: record.offset, bytes });
    entry.bytes = Buffer.concat([entry.bytes, bytes]);
  }
  return result;
}

test('decoding what was encoded gives back every byte, offset and flag', () => {
  fc.assert(
    fc.property(fc.array(arbitraryRun, { maxLength: 12 }), (runs) => {
      const { header, payload } = blockOf(runs);
      const bytes = encodeBlock(header, payload);
      const block = decodeBlock(bytes);
      assert.equal(asText(block.header), asText(header));
      for (const [i, entry] of reconstruct(block).entries()) {
        assert.deepEqual(entry.bytes, runs[i]?.bytes);
        let at = runs[i]?.from ?? -1;
        for (const record of entry.records) {
          assert.equal(record.offset, at);
          at += record.bytes.length;
        }
      }
      assert.deepEqual(encodeBlock(block.header, block.payload), bytes, 'equal blocks are equal bytes');
    }),
    { numRuns: 300 },
  );
});

/** One text for equal values, whether bytes are held as Buffer or Uint8Array. */
function asText(header: unknown): string {
  return JSON.stringify(header, (_, value) =>
    value?.type === 'Buffer' || value instanceof Uint8Array
      ? Buffer.from(value.data ?? value).toString('hex')
      : value,
  );
}

test('a payload of the largest size fits a record even when it does not compress', () => {
  const bytes = randomBytes(payloadBytesMax - 1).map((byte) => (byte === 0x0a ? 0x0b : byte));
  const { header, payload } = blockOf([
    { bytes: Buffer.from(bytes), from: 0, capturedMs: 1, multiline: false },
  ]);
  const block = encodeBlock(header, payload);
  assert.ok(block.length <= blockBytesMax);
  assert.deepEqual(reconstruct(decodeBlock(block))[0]?.bytes, Buffer.from(bytes));
});

test('lines of one byte keep their offsets', () => {
  const { header, payload } = blockOf([
    { bytes: Buffer.from('\n\na\n\nb'), from: 5, capturedMs: 1, multiline: false },
  ]);
  const records = [...blockRecords(decodeBlock(encodeBlock(header, payload)))];
  assert.deepEqual(
    records.map((record) => record.offset),
    [5, 6, 7, 9, 10],
  );
});

test('exceptions map shipped bytes to the offsets of their source', () => {
  // Source: "aaa\n" kept, "bbbb\n" dropped, "cc\n" rewritten to "xxxx\n", "d\n" kept.
  const header = blockOf([
    { bytes: Buffer.from('aaa\nxxxx\nd\n'), from: 100, capturedMs: 1, multiline: false },
  ]).header;
  const run = header.runs[0];
  assert.ok(run);
  run.to = 100 + 4 + 5 + 3 + 2;
  run.exceptions = [
    { from: 104, length: 5, shipped: 0, by: 'grep' },
    { from: 109, length: 3, shipped: 5, by: 'redact' },
  ];
  const block = decodeBlock(encodeBlock(header, Buffer.from('aaa\nxxxx\nd\n')));
  assert.deepEqual(block.header.runs[0]?.exceptions, run.exceptions);
  assert.deepEqual(
    [...blockRecords(block)].map((record) => record.offset),
    [100, 109, 112],
  );
});

test('a stretch that is all dropped travels as a run without payload', () => {
  const header = blockOf([{ bytes: Buffer.from('x\n'), from: 0, capturedMs: 1, multiline: false }]).header;
  const run = header.runs[0];
  assert.ok(run);
  run.size = 0;
  run.exceptions = [{ from: 0, length: 2, shipped: 0, by: 'sample' }];
  const block = decodeBlock(encodeBlock(header, Buffer.alloc(0)));
  assert.equal([...blockRecords(block)].length, 0);
  assert.equal(block.header.runs[0]?.to, 2);
});

test('the zstd program prints the lines of concatenated blocks and nothing else', () => {
  const first = blockOf([{ bytes: Buffer.from('one\ntwo'), from: 0, capturedMs: 1, multiline: false }]);
  const second = blockOf([{ bytes: Buffer.from('three\n'), from: 0, capturedMs: 1, multiline: false }]);
  const input = Buffer.concat([
    encodeBlock(first.header, first.payload),
    encodeBlock(second.header, second.payload),
  ]);
  const zstd = spawnSync('zstd', ['-dcq'], { input });
  assert.equal(zstd.stderr.toString(), '');
  assert.equal(zstd.stdout.toString(), 'one\ntwo\nthree\n');
});

test('any flipped, cut or inserted byte is a coded error or an unchanged block, never a crash', () => {
  const sample = blockOf([
    {
      bytes: Buffer.from('GET /index.html 200\n'.repeat(20)),
      from: 0,
      capturedMs: 1_700_000_000_000,
      multiline: false,
    },
    { bytes: Buffer.from('trace\n  at x\n'), from: 9, capturedMs: 1_700_000_000_100, multiline: true },
  ]);
  const good = encodeBlock(sample.header, sample.payload);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(good.length)),
      (flips, cut) => {
        const bad = Buffer.from(good);
        for (const [at, value] of flips) bad[at] = value;
        decodesOrRefuses(cut === null ? bad : bad.subarray(0, cut));
      },
    ),
    { numRuns: 2000 },
  );
});

test('arbitrary header fields behind a right checksum are a coded error, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (fields, rest) => {
      const body = new ByteWriter().raw(Uint8Array.of(0)).sized(fields).bytes();
      decodesOrRefuses(Buffer.concat([headerFrame(body), rest]));
    }),
    { numRuns: 2000 },
  );
});

test('a header that declares more than it holds is refused before it is unpacked', () => {
  const body = new ByteWriter()
    .raw(Uint8Array.of(1))
    .varint(2 ** 40)
    .raw(compressFrame(Buffer.alloc(10)))
    .bytes();
  assert.throws(() => decodeBlock(headerFrame(body)), { code: 'WIRE_LIMIT' });
  const bomb = compressFrame(Buffer.alloc(8 * 1024 * 1024));
  const lying = new ByteWriter().raw(Uint8Array.of(1)).varint(1000).raw(bomb).bytes();
  assert.throws(() => decodeBlock(headerFrame(lying)), { code: 'WIRE_CORRUPT' });
});

test('an unknown field is skipped, an unknown critical field is refused', () => {
  const { header, payload } = blockOf([
    { bytes: Buffer.from('x\n'), from: 0, capturedMs: 1, multiline: false },
  ]);
  const good = encodeBlock(header, payload);
  const fields = good.subarray(18, 8 + good.readUInt32LE(4));
  const rest = good.subarray(8 + good.readUInt32LE(4));
  const withField = (type: number) =>
    Buffer.concat([
      headerFrame(
        new ByteWriter()
          .raw(Uint8Array.of(0))
          .sized(Buffer.concat([fields, new ByteWriter().field(type, 'later').bytes()]))
          .bytes(),
      ),
      rest,
    ]);
  assert.equal(good[16], 0, 'the sample header is not compressed');
  assert.equal([...blockRecords(decodeBlock(withField(200)))].length, 1);
  assert.throws(() => decodeBlock(withField(201)), { code: 'WIRE_UNSUPPORTED' });
});

test('bytes after the payload frame are refused, so that an archive stays readable', () => {
  const { header, payload } = blockOf([
    { bytes: Buffer.from('x\n'), from: 0, capturedMs: 1, multiline: false },
  ]);
  assert.throws(() => decodeBlock(Buffer.concat([encodeBlock(header, payload), Buffer.from('y')])), {
    code: 'WIRE_CORRUPT',
  });
});

test('the length of a zstd frame is known without decoding it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 20 }), (bytes, rest) => {
      const frame = compressFrame(bytes);
      assert.equal(zstdFrameLength(Buffer.concat([frame, rest])), frame.length);
    }),
  );
  const large = compressFrame(randomBytes(700_000));
  assert.equal(zstdFrameLength(large), large.length);
});

test('numbers survive the variable-length encoding, and only their shortest form is accepted', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.integer(), (natural, integer) => {
      const reader = new ByteReader(new ByteWriter().varint(natural).zigzag(integer).bytes());
      assert.equal(reader.varint(), natural);
      assert.equal(reader.zigzag(), integer);
      assert.ok(reader.done);
    }),
  );
  assert.throws(() => new ByteReader(Uint8Array.of(0x80, 0)).varint(), { code: 'WIRE_CORRUPT' });
});

// Blocks written by earlier versions: what they mean never changes. A case is added, never altered.
/** What an agent can say beside its runs. */
const arbitrarySighting = fc.record({
  kind: fc.constantFrom('seen' as const, 'vanished' as const, 'closed' as const, 'deleted' as const),
  atMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  generation: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  path: fc.string({ unit: 'binary', maxLength: 40 }),
  tag: fc.string({ maxLength: 10 }),
  size: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  position: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
});

test('control entries come back as they were, beside runs and alone', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryRun, { maxLength: 3 }),
      fc.array(arbitrarySighting, { maxLength: 5 }),
      (runs, seen) => {
        const { header, payload } = blockOf(runs);
        const atMs = 1_762_000_000_000;
        const control: ControlEntry[] = [
          { kind: 'heartbeat', atMs, intervalMs: 60_000 },
          ...seen,
          { kind: 'stopped', atMs: atMs - 5 },
        ];
        const block = decodeBlock(encodeBlock({ ...header, control }, payload));
        assert.equal(asText(block.header), asText({ ...header, control }));
        assert.deepEqual(Buffer.from(block.payload), payload);
      },
    ),
    { numRuns: 200 },
  );
});

test('a reader skips control entries of kinds that it does not know, and refuses those that are cut short', () => {
  const { header } = blockOf([]);
  const fields = (entry: Buffer) =>
    new ByteWriter()
      .field(1, 'logs')
      .field(3, Uint8Array.of(0))
      .field(12, header.agent)
      .field(14, entry)
      .bytes();
  const block = (entry: Buffer) => {
    const content = fields(entry);
    return headerFrame(new ByteWriter().raw(Uint8Array.of(0)).varint(content.length).raw(content).bytes());
  };
  const unknown = new ByteWriter().varint(99).zigzag(5).raw(Buffer.from('whatever')).bytes();
  assert.equal(decodeBlock(block(unknown)).header.control, undefined);
  const short = new ByteWriter().varint(3).zigzag(5).raw(Buffer.alloc(10)).bytes();
  assert.throws(() => decodeBlock(block(short)), { code: 'WIRE_CORRUPT' });
  // What is added to an entry later is a field behind it.
  const longer = new ByteWriter().varint(2).zigzag(5).field(2, 'more').bytes();
  assert.deepEqual(decodeBlock(block(longer)).header.control, [{ kind: 'stopped', atMs: 5 }]);
});

const golden = new URL('./golden/v1/', import.meta.url);
for (const name of readdirSync(golden).filter((file) => file.endsWith('.json'))) {
  test(`golden block ${name} reads as it did when it was written`, () => {
    const expected = JSON.parse(readFileSync(new URL(name, golden), 'utf8'));
    const bytes = Buffer.from(expected.block, 'hex');
    const block = decodeBlock(bytes);
    assert.equal(blockId(bytes), expected.id);
    assert.equal(block.header.host, expected.host);
    assert.equal(block.header.stream, expected.stream);
    const records = [...blockRecords(block)].map((record) => ({
      path: record.source.path,
      tag: record.source.tag,
      offset: record.offset,
      capturedMs: record.run.capturedMs,
      hex: Buffer.from(block.payload.subarray(record.start, record.end)).toString('hex'),
    }));
    assert.deepEqual(records, expected.records);
    assert.equal(asText(block.header.control), asText(expected.control));
  });
}

function headerFrame(body: Uint8Array): Buffer {
  const sum = Buffer.allocUnsafe(4);
  sum.writeUInt32LE(crc32(body));
  return skippableFrame(blockFrameMagic, Buffer.concat([Buffer.from('MRB\x01', 'latin1'), sum, body]));
}

function decodesOrRefuses(bytes: Buffer): void {
  try {
    for (const _ of blockRecords(decodeBlock(bytes)));
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
    assert.match(error.code, /^WIRE_/);
  }
  looksLikeBlock(bytes);
}
