import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryBytes } from '../testing/blocks.ts';
import { blockOfFields, hostileFields, outcomeOf, ruleNone } from '../testing/hostile-blocks.ts';
import { ByteWriter } from '../wire/varint.ts';
import { compressFrame } from '../wire/zstd-frame.ts';

/** What valid header fields are changed by: bytes, and whole stretches doubled, moved, removed or made of extremes. */
type Change =
  | { kind: 'byte'; at: number; value: number }
  | { kind: 'copy'; from: number; size: number; to: number }
  | { kind: 'cut'; from: number; size: number }
  | { kind: 'number'; at: number; value: number };

const at = fc.nat(100_000);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at, value: fc.nat(255) }),
  fc.record({ kind: fc.constant('copy' as const), from: at, size: fc.nat(400), to: at }),
  fc.record({ kind: fc.constant('cut' as const), from: at, size: fc.nat(40) }),
  fc.record({
    kind: fc.constant('number' as const),
    at,
    value: fc.constantFrom(0, 1, 127, 128, 65_536, 2 ** 32, 2 ** 47, 2 ** 48, 2 ** 52, 2 ** 53 - 1),
  }),
);

function changed(bytes: Buffer, changes: Change[]): Buffer {
  let out = Buffer.from(bytes);
  for (const item of changes) {
    const place = (position: number) => position % (out.length + 1);
    if (item.kind === 'byte') out[item.at % out.length] = item.value;
    else if (item.kind === 'cut')
      out = Buffer.concat([out.subarray(0, place(item.from)), out.subarray(place(item.from) + item.size)]);
    else {
      const to = place(item.kind === 'copy' ? item.to : item.at);
      const from = item.kind === 'copy' ? place(item.from) : 0;
      const added =
        item.kind === 'copy'
          ? out.subarray(from, from + item.size)
          : new ByteWriter().varint(item.value).bytes();
      // A number takes the place of the byte that it stands at.
      out = Buffer.concat([out.subarray(0, to), added, out.subarray(item.kind === 'copy' ? to : to + 1)]);
    }
    if (out.length === 0) return bytes;
  }
  return out;
}

const rules = [
  ruleNone,
  '{"parse":{"type":"json"},"time":{"key":"time","type":"auto"},"v":1}',
  '{"detect":{"level":true,"time":{"zone":"UTC"}},"parse":{"type":"none"},"v":1}',
  '{"parse":{"expression":"^(?<a>\\\\w+) (?<b>.*)$","type":"regexp"},"steps":[{"op":"set","set":[{"key":"c","value":["x",{"field":"a"}]}]}],"v":1}',
  '{"add":{"k":"v"},"encoding":"euc-kr","parse":{"type":"nginx"},"v":1}',
];

function sample(payload: Buffer): Buffer {
  const half = payload.length >> 1;
  const rest = payload.length - half;
  const table = (...values: number[]) =>
    Buffer.from(values.reduce((out, value) => out.varint(value), new ByteWriter()).bytes());
  return hostileFields({
    payloadSize: payload.length,
    rules,
    filters: ['grep', 'redact'],
    sources: rules.map((_, rule) => ({ rule, path: `/var/log/${rule}.log`, tag: `t.${rule}` })),
    runs: [
      { source: 1, length: half },
      {
        source: 3,
        from: 100,
        length: rest + 7,
        size: rest,
        exceptions: table(0, 7, 0, 1),
        lengths: table(...(rest > 0 ? [rest] : [])),
      },
    ],
    control: [Buffer.from(new ByteWriter().varint(1).zigzag(5).varint(60_000).bytes())],
  });
}

test('no change of a block makes a reader throw anything but its closed codes, hang, or write a footer it cannot read', () => {
  const long = process.env.MILLRACE_TEST_SEEDS === 'random';
  const reached = { refused: 0, read: 0 };
  fc.assert(
    fc.property(
      arbitraryBytes,
      fc.array(change, { maxLength: 6 }),
      fc.array(change, { maxLength: 2 }),
      fc.boolean(),
      (payload, ofFields, ofFrame, intact) => {
        const fields = changed(sample(payload), ofFields);
        const frame = payload.length > 0 ? compressFrame(payload) : payload;
        const whole = blockOfFields(fields, frame);
        const { refused } = outcomeOf(intact ? whole : changed(whole, ofFrame));
        reached[refused === undefined ? 'read' : 'refused']++;
      },
    ),
    { numRuns: long ? 100_000 : 4_000, ...(long ? {} : { seed: 5 }) },
  );
  assert.ok(reached.read > 100 && reached.refused > 100, JSON.stringify(reached));
});
