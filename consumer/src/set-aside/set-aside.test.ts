import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFooter } from '@millrace/archive/reader.ts';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { ConsumerConfigSchema } from '../config.ts';
import { shardEvents } from '../events.ts';
import { wholeStore } from '../testing/whole-store.ts';
import { encodeBatch, type SetAsideRecord } from './batch-file.ts';
import { itemBytes } from './item-bytes.ts';
import { setAsideKey } from './key.ts';
import { markedItems, recordItems, type SetAsideItem, type SetAsideQuery } from './list.ts';
import { redriveObject } from './redrive-object.ts';
import { redriveBatch } from './redrive-records.ts';
import { SetAsideStorm, type setAsideEvents } from './storm.ts';

const running = new AbortController().signal;
const arrivedMs = Date.UTC(2026, 1, 3, 4);

function block(line: string): Buffer {
  const { header, payload } = blockOf([
    { bytes: Buffer.from(`${line}\n`), from: 0, capturedMs: arrivedMs, multiline: false },
  ]);
  return encodeBlock(header, payload);
}

function setUp() {
  const clock = virtualClock();
  const objects = fakeObjectStore();
  const config = validateConfig(
    ConsumerConfigSchema,
    {
      stream: { name: 'kinesis', region: 'r' },
      archive: { bucket: 'b', region: 'r', prefix: 'p/' },
      store: { type: 'opensearch', node: 'http://127.0.0.1:9200' },
      http: { port: 0 },
      java: { bin: 'java', jars: '.' },
      state_dir: '.',
    },
    'test',
  );
  /** A batch as a shard writes it. */
  const batch = (contents: Buffer[], hour = 0, more: Partial<SetAsideRecord> = {}) => {
    let offset = 0;
    const records = contents.map((bytes, i) => {
      const record: SetAsideRecord = {
        reason: 'corrupt',
        code: 'WIRE_CORRUPT',
        message: 'checksum',
        stream: 'kinesis',
        shard: 'shardId-000000000000',
        sequence_number: String(100 + i),
        sub_sequence_number: 0,
        partition_key: 'k',
        arrival_ms: arrivedMs + hour * 3_600_000,
        offset,
        bytes: bytes.length,
        ...more,
      };
      offset += bytes.length;
      return record;
    });
    const key = setAsideKey({
      prefix: 'p/',
      stream: 'kinesis',
      hourMs: arrivedMs + hour * 3_600_000,
      shard: 'shardId-000000000000',
      firstSequence: '100',
      suffix: `0000000${hour}`,
    });
    objects.objects.set(key, { bytes: encodeBatch(records, contents), modifiedMs: 0 });
    return key;
  };
  const problems: string[] = [];
  const listed = async (query: SetAsideQuery = {}) => {
    const items: SetAsideItem[] = [];
    const onProblem = ({ message }: MillraceError) => problems.push(message);
    for await (const item of recordItems(objects, 'p/', query, running, onProblem)) items.push(item);
    return items;
  };
  const { emit } = createTelemetry('redrive', shardEvents, createLogger('test', 'silent'));
  const options = { config, objects, clock, emit, signal: running };
  return { clock, objects, batch, listed, problems, options };
}

test('records are listed with their reason and shown with their bytes', async () => {
  const { objects, batch, listed } = setUp();
  const contents = [Buffer.from('one\0\u001b[31m'), Buffer.alloc(0), Buffer.alloc(200_000, 7)];
  const key = batch(contents);
  const items = await listed();
  assert.deepEqual(
    items.map(({ id }) => id),
    [`${key}:0`, `${key}:1`, `${key}:2`],
  );
  for (const [i, bytes] of contents.entries()) {
    assert.deepEqual(await itemBytes(objects, `${key}:${i}`, undefined, running), bytes);
  }
  await assert.rejects(itemBytes(objects, `${key}:3`, undefined, running), { code: 'USAGE' });
  await assert.rejects(itemBytes(objects, 'nothing', undefined, running), { code: 'USAGE' });
});

test('records are selected by time, reason, host and stream', async () => {
  const { batch, listed } = setUp();
  batch([Buffer.from('a')]);
  batch([Buffer.from('b')], 3, { reason: 'foreign', message: 'no block', host: 'web-1' });
  assert.equal((await listed()).length, 2);
  assert.equal((await listed({ fromMs: arrivedMs + 1 })).length, 1);
  assert.equal((await listed({ toMs: arrivedMs + 1 })).length, 1);
  assert.equal((await listed({ reason: 'foreign' })).length, 1);
  assert.equal((await listed({ reason: 'no block' })).length, 1);
  assert.equal((await listed({ host: 'web-1' })).length, 1);
  assert.equal((await listed({ stream: 'logs' })).length, 0);
});

test('an object of set-aside records that cannot be read is told, and does not hide the others', async () => {
  const { objects, batch, listed, problems } = setUp();
  const keys = [0, 1, 2].map((hour) => batch([Buffer.from(`of hour ${hour}`)], hour));
  const [first, bad = '', last] = keys;
  objects.objects.set(bad, { bytes: Buffer.from('not of ours'), modifiedMs: 0 });
  objects.objects.set(`${first}.redriven-00000000.json`, { bytes: Buffer.from('{'), modifiedMs: 0 });
  assert.deepEqual(
    (await listed()).map(({ id }) => id),
    [`${first}:0`, `${last}:0`],
  );
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? '', /redriven.*does not say/);
  assert.match(problems[1] ?? '', /not an object of set-aside records/);
});

test('redrive archives what can be used now, leaves the rest, and takes nothing twice', async () => {
  const { objects, batch, listed, options } = setUp();
  const good = [block('one'), block('two')];
  const corrupt = block('three');
  corrupt[30] = (corrupt[30] ?? 0) ^ 0xff;
  const key = batch([good[0] ?? corrupt, corrupt, good[1] ?? corrupt]);
  const first = await redriveBatch(options, key, await listed());
  assert.deepEqual([first.taken, first.left, first.archived.length], [2, 1, 1]);
  const [archived = ''] = first.archived;
  const size = objects.objects.get(archived)?.bytes.length ?? 0;
  const footer = await readFooter(objects, archived, size, running);
  assert.deepEqual(
    footer.blocks.map(({ sequence }) => sequence),
    ['100', '102'],
  );
  assert.equal(footer.days, undefined);
  assert.deepEqual(
    (await listed()).map(({ id }) => id),
    [`${key}:1`],
  );
  const again = await redriveBatch(options, key, await listed());
  assert.deepEqual([again.taken, again.left, again.archived], [0, 1, []]);
});

test('a record of another stream is tried again as that stream delivered it', async () => {
  const { objects, batch, listed, options } = setUp();
  const more = { stream: 'other', reason: 'foreign', code: 'WIRE_CORRUPT' };
  const key = batch([Buffer.from('{"a":1}\n')], 0, more);
  const { archived } = await redriveBatch(options, key, await listed());
  const [object = ''] = archived;
  const size = objects.objects.get(object)?.bytes.length ?? 0;
  const { sources } = await readFooter(objects, object, size, running);
  assert.deepEqual(
    sources.map(({ path, tag }) => [path, tag]),
    [['kinesis://other/shardId-000000000000', 'foreign.other']],
  );
});

test('an object that is gone does not end the redrive of others, and its mark stays', async () => {
  const store = wholeStore();
  const mark = { stream: 'logs', events: 9, indexed: 7, exceptions: [], setAside: 2 };
  store.marksHeld = [{ ...mark, object: 'gone' }];
  let told = '';
  const options = {
    store,
    stderr: (text: string) => {
      told += text;
    },
    signal: running,
  };
  const failing = (code: 'ARCHIVE_CORRUPT' | 'STORE_UNAVAILABLE') => () =>
    Promise.reject(new MillraceError(code, 'no such object'));
  assert.equal(await redriveObject({ ...options, refill: failing('ARCHIVE_CORRUPT') }, 'gone'), 2);
  assert.equal(told, 'gone: no such object\n');
  const down = redriveObject({ ...options, refill: failing('STORE_UNAVAILABLE') }, 'gone');
  await assert.rejects(down, { code: 'STORE_UNAVAILABLE' });
  assert.equal(await redriveObject({ ...options, refill: async () => {} }, 'whole'), 0);
});

test('a redrive that could not archive says nothing of what it took', async () => {
  const { objects, clock, batch, listed, options } = setUp();
  const key = batch([block('one')]);
  const items = await listed();
  const stop = new AbortController();
  objects.fate = (call) => (call === 'put' ? 'fails' : 'works');
  const redriven = redriveBatch({ ...options, signal: stop.signal }, key, items);
  const ended = assert.rejects(redriven, { code: 'DEADLINE' });
  await clock.advance(5_000);
  stop.abort();
  await ended;
  objects.fate = () => 'works';
  assert.equal((await listed()).length, 1);
});

test('marks say what the store refused, and how much they do not name', async () => {
  const store = wholeStore();
  const exception = { id: 'e', reason: 'mapping', outcome: 'fallback', host: 'h', rule: 'json-1' } as const;
  const mark = { stream: 'logs', events: 9, indexed: 9, exceptions: [exception] };
  store.marksHeld = [
    { ...mark, object: 'a', setAside: 1 },
    { ...mark, object: 'b', setAside: 5 },
    { ...mark, object: 'c', exceptions: [] },
  ];
  const ids: string[] = [];
  for await (const { id, kind } of markedItems(store, {}, () => arrivedMs, running))
    ids.push(`${kind} ${id}`);
  assert.deepEqual(ids, ['index a:e', 'index b:e', 'more b']);
});

test('a storm is one alarm, a summary a minute and one end; labels are bounded', async () => {
  const clock = virtualClock();
  const told: [string, unknown][] = [];
  const values = new Map<string, Set<string>>();
  const storm = new SetAsideStorm(clock, {
    emit: (name: keyof typeof setAsideEvents, fields) => told.push([name, fields?.count]),
    counterBy: (_name, _help, label) => (value) => {
      values.set(label, (values.get(label) ?? new Set()).add(value));
    },
  });
  for (let i = 0; i < 1_000; i++) storm.note({ reason: 'index', host: `h${i}`, rule: 'r', error: 'bad' });
  await clock.advance(60_000);
  storm.note({ reason: 'rule', error: 'bad', count: 4 });
  await clock.advance(60_000);
  await clock.advance(60_000);
  assert.deepEqual(told, [
    ['set_aside', 1],
    ['set_aside_more', 999],
    ['set_aside_more', 4],
    ['set_aside_over', undefined],
  ]);
  assert.equal(values.get('host')?.size, 51);
});
