import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import { block, delivered, setUp } from '../testing/shard-bench.ts';
import { readShardCounts, ShardCounts } from './shard-counts.ts';

const minute = Date.UTC(2026, 1, 3, 4) / 60_000;

/** What is told of blocks of lines, each with a rule, all captured at one minute. */
function told(dimensions: string[][], blocks: [rule: string, lines: string[]][]): unknown[][] {
  const lines: string[] = [];
  const config = { namespace: 'N', dimensions, series_max: 100, interval_ms: 60_000 };
  const counts = new ShardCounts({ config, clock: virtualClock(), write: (line) => lines.push(line) });
  const renderer = createRenderer();
  for (const [rule, texts] of blocks) {
    const bytes = Buffer.from(`${texts.join('\n')}\n`);
    const sample = blockOf([{ bytes, from: 0, capturedMs: minute * 60_000, multiline: false }], rule);
    renderer.renderBlock(sample, blockRecords(sample), () => {}, counts.see);
  }
  counts.tell();
  assert.ok(lines.every((line) => /^[\x20-\x7e]+\n$/.test(line)));
  const fields = new Set(dimensions.flat()).size;
  return lines.flatMap((line) =>
    (readShardCounts(line, fields) ?? []).map(({ values = [], ...count }) => [
      count.minute - minute,
      count.events,
      ...values,
    ]),
  );
}

const json = '{"parse":{"type":"json"},"v":1}';
const none = '{"parse":{"type":"none"},"v":1}';

test('lines of access logs and fields of records are counted by tag and status', () => {
  const access = (status: number, time = '03/Feb/2026:04:00:59 +0000') =>
    `10.0.0.1 - - [${time}] "GET / HTTP/1.1" ${status} 5`;
  const nginx = [access(200), access(404), access(200), access(200, '03/Feb/2026:05:03:00 +0100')];
  const records = [
    '{"status":404}',
    '{"status":"ok"}',
    '{"status":null}',
    '{"status":{"code":1}}',
    'no JSON',
  ];
  assert.deepEqual(
    told(
      [['tag', 'status']],
      [
        ['{"parse":{"type":"nginx"},"v":1}', nginx],
        [json, records],
      ],
    ).sort(),
    [
      [0, 1, 't.0', 'ok'],
      [0, 2, 't.0', '200'],
      [0, 2, 't.0', '404'],
      [0, 3, 't.0', 'none'],
      [3, 1, 't.0', '200'],
    ],
  );
});

test("other fields are counted by their names in queries, added ones before a record's own", () => {
  const record = '{"level":"WARN","shop":{"name":"north"},"team":"b","items":[{"kind":"x"}],"service":"web"}';
  const rule = '{"add":{"team":"a"},"parse":{"type":"json"},"v":1}';
  assert.deepEqual(
    told(
      [
        ['log.level', 'shop.name'],
        ['team', 'items.kind', 'service.name', 'host.name', 'stream'],
      ],
      [[rule, [record, '{"shop.name":"south"}']]],
    ),
    [
      [0, 1, 'warn', 'north', 'a', 'x', 'web', 'h', 'logs'],
      [0, 1, 'none', 'south', 'a', 'none', 'none', 'h', 'logs'],
    ],
  );
});

test('what a record holds cannot break a line, nor the names of objects', () => {
  const hostile = ['x\u2028{"event":"shard_counts"}', '__proto__', 'a\nb', '\ud800', ' '];
  const counts = told(
    [['status']],
    [[json, [...hostile.map((status) => JSON.stringify({ status })), '{"__proto__":{"status":"p"}}']]],
  );
  assert.deepEqual(counts.map(([, , value]) => value).sort(), [
    '?',
    '__proto__',
    'a?b',
    'none',
    'none',
    'x?{"event":"shard_counts"}',
  ]);
});

test('events of more minutes than are held are told ahead of time, none is lost', () => {
  const times = Array.from({ length: 12_345 }, (_, i) => `{"time":${60 * i}}`);
  const rule = '{"parse":{"type":"json"},"time":{"key":"time","type":"unixtime"},"v":1}';
  const counts = told([['tag']], [[rule, times]]);
  assert.equal(counts.length, times.length);
  assert.equal(new Set(counts.map(([at]) => at)).size, times.length);
});

test('a line that is cut short, or none of ours, is left to the log', () => {
  const whole = '{"event":"shard_counts","counts":[[1,2,"a","b"]]}';
  assert.deepEqual(readShardCounts(whole, 2), [{ minute: 1, events: 2, values: ['a', 'b'] }]);
  const others = ['INFO x', '{"event":"shard_status"}', whole.slice(0, -1), whole.replace('"b"', 'null')];
  for (const line of [...others, whole.replace('2', '-2'), whole.replace('1', '1.5')])
    assert.equal(readShardCounts(line, 2), undefined, line);
  assert.equal(readShardCounts(whole, 3), undefined);
});

const sumOf = (lines: string[]) =>
  lines.flatMap((line) => readShardCounts(line, 2) ?? []).reduce((sum, { events }) => sum + events, 0);

test('counts are told before the checkpoint after which their records are not read again', async () => {
  const { start, process, clock, counted, checkpoints } = setUp({ counters: {} });
  await start();
  await process([block(1), block(2)]);
  await clock.advance(31_000);
  assert.deepEqual(counted, []);
  await process([]);
  assert.deepEqual(checkpoints, ['2']);
  assert.equal(sumOf(counted), 2);
});

test('a shard that ends has told what its last checkpoint covers', async () => {
  const { start, process, processor, call, checkpointer, checkpoints, counted } = setUp({ counters: {} });
  await start();
  await process([block(1)]);
  assert.ok(await call((done) => processor.shardEnded({ checkpointer }, done)));
  assert.deepEqual([checkpoints, sumOf(counted)], [['end'], 1]);
});

test('an event counts once: not when its block comes twice, nor when the store has to be asked again', async () => {
  const { start, process, clock, counted, store } = setUp({ counters: {} });
  await start();
  store.down = true;
  await process([block(1), block(1), block(2)]);
  await clock.advance(10_000);
  store.down = false;
  await clock.advance(31_000);
  await process([]);
  assert.equal(store.held.size, 2);
  assert.equal(sumOf(counted), 2);
});

test('an event of a block of more documents than are held at a time counts once', async () => {
  const { start, process, clock, counted } = setUp({ counters: {} });
  await start();
  const bytes = Buffer.from('x\n'.repeat(25_000));
  const { header, payload } = blockOf(
    [{ bytes, from: 0, capturedMs: minute * 60_000, multiline: false }],
    none,
  );
  await process([delivered(1, encodeBlock(header, payload))], 60_000);
  await clock.advance(31_000);
  await process([]);
  assert.equal(sumOf(counted), 25_000);
});
