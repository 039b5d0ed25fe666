import { constants, zstdCompressSync } from 'node:zlib';
import { ByteWriter } from '../wire/varint.ts';
import { compressFrame } from '../wire/zstd-frame.ts';
import { type Attack, block, corrupt, day, limit, rendered, text } from './attack.ts';
import { blockOfBody, blockOfFields, hostileFields } from './hostile-blocks.ts';
import { fieldAttacks, ruleAttacks } from './rule-attacks.ts';

/** The same four bytes for each of `count` exceptions: gap, source bytes, shipped bytes, filter. */
function exceptions(count: number, bytes: number[]): Buffer {
  return Buffer.alloc(count * bytes.length, Uint8Array.from(bytes));
}

function zstdFrame(descriptor: number[], content: Buffer): Buffer {
  const size = content.length;
  const head = Buffer.from([1 | ((size << 3) & 0xff), (size >> 5) & 0xff, size >> 13]);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...descriptor]), head, content]);
}

const line = Buffer.from('x\n');
const oneLine = hostileFields({ payloadSize: 2, runs: [{ length: 2 }] });
const control = (write: (out: ByteWriter) => ByteWriter) => Buffer.from(write(new ByteWriter()).bytes());
const sighting = (size: number, position: number, path = '/p') =>
  control((out) =>
    out.varint(3).zigzag(0).raw(Buffer.alloc(16, 1)).varint(size).varint(position).sized(path).sized('t'),
  );

const frames: Record<string, Attack> = {
  'a payload of 500 MB in 50 KB': {
    block: () => blockOfFields(oneLine, zstdCompressSync(Buffer.alloc(500_000_000))),
    outcome: corrupt,
  },
  'a payload larger than it may be, as declared': {
    block: () => block({ payloadSize: 2 ** 40, runs: [{ length: 2 ** 40 }] }),
    outcome: limit,
  },
  'a payload frame that asks for a window of 128 MB': {
    block: () => blockOfFields(oneLine, zstdFrame([0x00, 17 << 3], line)),
    outcome: corrupt,
  },
  'a payload frame that declares 2^60 bytes': {
    block: () => blockOfFields(oneLine, zstdFrame([0xe0, 0, 0, 0, 0, 0, 0, 0, 16], line)),
    outcome: corrupt,
  },
  'a payload frame that asks for a dictionary': {
    block: () => blockOfFields(oneLine, zstdFrame([0x21, 9, 2], line)),
    outcome: corrupt,
  },
  'two payload frames': {
    block: () => blockOfFields(oneLine, Buffer.concat([compressFrame(line), compressFrame(line)])),
    outcome: corrupt,
  },
  'a header of 500 MB in 50 KB that declares 4 MB': {
    block: () =>
      blockOfBody(
        new ByteWriter()
          .raw(Uint8Array.of(1))
          .varint(4 * 1024 * 1024)
          .raw(
            zstdCompressSync(Buffer.alloc(500_000_000), {
              params: { [constants.ZSTD_c_compressionLevel]: 1 },
            }),
          )
          .bytes(),
      ),
    outcome: corrupt,
  },
  'a header of two million unknown fields': {
    block: () =>
      blockOfFields(Buffer.concat([hostileFields({}), Buffer.alloc(3_900_000, Uint8Array.of(200, 1, 0))])),
    outcome: rendered(0),
  },
};

const tables: Record<string, Attack> = {
  'a million exceptions in 500 bytes': {
    block: () =>
      block({
        filters: ['a'],
        runs: [{ length: 2_000_000, size: 1_000_000, exceptions: exceptions(1_000_000, [1, 1, 0, 0]) }],
      }),
    outcome: limit,
  },
  'four million lengths in 300 bytes': {
    block: () => block({ runs: [{ length: 4_000_000, lengths: Buffer.alloc(4_000_000, 1) }] }),
    outcome: limit,
  },
  'a length of 2^53 - 1': {
    block: () =>
      text('x\n', {
        runs: [{ length: 2, lengths: Buffer.from(new ByteWriter().varint(2 ** 53 - 1).bytes()) }],
      }),
    outcome: corrupt,
  },
  'lengths that do not add up': {
    block: () => text('x\n', { runs: [{ length: 2, lengths: Buffer.from([1, 2]) }] }),
    outcome: corrupt,
  },
  'records of no bytes': {
    block: () => text('x\n', { runs: [{ length: 2, lengths: Buffer.from([2, 0]) }] }),
    outcome: corrupt,
  },
  'more runs than a block may have': {
    block: () => block({ runs: Array.from({ length: 65_537 }, () => ({})) }),
    outcome: limit,
  },
  'as many empty runs as a block may have': {
    block: () => block({ runs: Array.from({ length: 65_536 }, (_, i) => ({ from: i * 2 })) }),
    outcome: rendered(0),
  },
  'runs that all cover the whole of a file': {
    block: () => {
      const all = Buffer.from(
        new ByteWriter()
          .varint(0)
          .varint(2 ** 48 - 1)
          .varint(0)
          .varint(0)
          .bytes(),
      );
      const run = { length: 2 ** 48 - 1, size: 0, exceptions: all };
      return block({ filters: ['a'], runs: Array.from({ length: 60_000 }, () => run) });
    },
    outcome: rendered(0),
  },
  'runs that overlap': {
    block: () => text('x\nx\n', { runs: [{ length: 2 }, { length: 2 }] }),
    outcome: rendered(2),
  },
  'a run beyond the largest offset': {
    block: () => text('x\n', { runs: [{ from: 2 ** 48 - 2, length: 2 }] }),
    outcome: corrupt,
  },
  'a run at the largest offset': {
    block: () => text('x\n', { runs: [{ from: 2 ** 48 - 3, length: 2 }] }),
    outcome: rendered(1),
  },
  'a run of 2^53 - 1 bytes from 2^53 - 1': {
    block: () => block({ runs: [{ from: 2 ** 53 - 1, length: 2 ** 53 - 1 }] }),
    outcome: corrupt,
  },
  'more sources than a block may have': {
    block: () => block({ sources: Array.from({ length: 16_385 }, () => ({})) }),
    outcome: limit,
  },
  'a run of a source that is not there': {
    block: () => text('x\n', { runs: [{ length: 2, source: 9 }] }),
    outcome: corrupt,
  },
  'a source of a rule that is not there': {
    block: () => text('x\n', { sources: [{ rule: 9 }] }),
    outcome: corrupt,
  },
  'a filler that is no newline': {
    block: () => text('xy', { runs: [{ length: 1, flags: 1 }] }),
    outcome: corrupt,
  },
};

const names: Record<string, Attack> = Object.fromEntries([
  ...[
    '../../etc',
    'Logs',
    'x'.repeat(300),
    '.opendistro_security',
    'a*',
    'a,b',
    '',
    '-a',
    'a\0b',
    '_all/x',
    'é',
  ].map((stream) => [
    `stream ${JSON.stringify(stream.slice(0, 30))}`,
    { block: () => text('x\n', { stream }), outcome: stream.length > 100 ? limit : corrupt },
  ]),
  [
    'a stream named as a system index may be',
    { block: () => text('x\n', { stream: '_all' }), outcome: rendered(1, ['millrace-_all-2025.11.01']) },
  ],
  [
    'a path of 1 MB',
    { block: () => text('x\n', { sources: [{ path: 'x'.repeat(1_000_000) }] }), outcome: limit },
  ],
  [
    'path and tag of strange characters',
    {
      block: () => text('x\n', { sources: [{ path: '\u0000\u202e"\\\ud800', tag: '../*' }] }),
      outcome: rendered(1),
    },
  ],
]);

const times: Record<string, Attack> = {
  'captured 2^53 - 1 ms after 1970': { block: () => text('x\n', { baseMs: 2 ** 53 - 1 }), outcome: corrupt },
  'captured beyond 2^53': {
    block: () => text('x\n', { baseMs: 2 ** 53 - 1, runs: [{ length: 2, delta: 2 ** 52 - 1 }] }),
    outcome: corrupt,
  },
  'captured before 1970': {
    block: () => text('x\n', { baseMs: 1, runs: [{ length: 2, delta: -2 }] }),
    outcome: corrupt,
  },
  'captured in the year 275760': {
    block: () => text('x\n', { baseMs: 8.64e15 }),
    outcome: rendered(1, ['millrace-logs-2262.04.11']),
  },
  'captured at 1970': {
    block: () => text('x\n', { baseMs: 0 }),
    outcome: rendered(1, ['millrace-logs-1970.01.01']),
  },
  'event times at the ends of time': {
    block: () =>
      text(
        [
          '-1',
          '0',
          '1e308',
          '"9999999999999999999999"',
          '"275760-09-13T00:00:00Z"',
          '"-000001-01-01T00:00:00Z"',
        ]
          .map((time) => `{"time":${time}}\n`)
          .join(''),
        {
          rules: ['{"parse":{"type":"json"},"time":{"key":"time","type":"auto"},"v":1}'],
        },
      ),
    outcome: rendered(6, [...day, 'millrace-logs-1970.01']),
  },
};

const lies: Record<string, Attack> = {
  'a sighting of 2^53 - 1 bytes': {
    block: () => block({ control: [sighting(2 ** 53 - 1, 0)] }),
    outcome: corrupt,
  },
  'a sighting read beyond its size': {
    block: () => block({ control: [sighting(0, 2 ** 48 - 1)] }),
    outcome: rendered(0),
  },
  'a sighting of a path of 1 MB': {
    block: () => block({ control: [sighting(1, 1, 'x'.repeat(1_000_000))] }),
    outcome: limit,
  },
  'a heartbeat before 1970': {
    block: () =>
      block({
        control: [
          control((out) =>
            out
              .varint(1)
              .zigzag(-(2 ** 51))
              .varint(1),
          ),
        ],
      }),
    outcome: corrupt,
  },
  'a heartbeat after the last date': {
    block: () =>
      block({
        control: [
          control((out) =>
            out
              .varint(1)
              .zigzag(2 ** 52 - 1)
              .varint(2 ** 53 - 1),
          ),
        ],
        baseMs: 2 ** 53 - 1,
      }),
    outcome: corrupt,
  },
  'a million control entries': {
    block: () => block({ control: Array(400_000).fill(control((out) => out.varint(2).zigzag(0))) }),
    outcome: limit,
  },
};

export const attacks: Record<string, Attack> = {
  ...frames,
  ...tables,
  ...names,
  ...ruleAttacks,
  ...fieldAttacks,
  ...times,
  ...lies,
};
