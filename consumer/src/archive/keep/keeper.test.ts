import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Corrections } from '@millrace/archive/corrections/corrections.ts';
import { fakeObjectStore } from '@millrace/archive/testing/fake-object-store.ts';
import { putObject, testBlock } from '@millrace/archive/testing/objects.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { createRenderer, type Renderer } from '@millrace/core/document/render.ts';
import { settle, virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { type ConsumerConfig, ConsumerConfigSchema } from '../../config.ts';
import { ArchiveKeeper } from './keeper.ts';
import { writeNdjson } from './ndjson.ts';

const hour = 3_600_000;

function setUp(layout: ConsumerConfig['archive']['layout'] = 'blocks+ndjson', renderer = createRenderer()) {
  const clock = virtualClock();
  const store = fakeObjectStore();
  const schema = ConsumerConfigSchema.properties.archive;
  const config = validateConfig(schema, { bucket: 'b', region: 'r', prefix: 'team/', layout }, 'test');
  const events: [string, Record<string, unknown>][] = [];
  const keeper = new ArchiveKeeper({
    config,
    readBytes: 1_048_576,
    objects: store,
    renderer,
    clock,
    lock: { hold: async () => true, release: async () => {} },
    emit: (name, fields = {}) => events.push([name, fields]),
  });
  const running = new AbortController().signal;
  const turn = async () => {
    const done = keeper.turn(running);
    done.catch(() => {});
    await clock.advance(60_000);
    return done;
  };
  const ndjson = () => [...store.objects.keys()].filter((key) => key.startsWith('team/ndjson/'));
  let next = 0;
  const add = (agoMs = 0, count = 3) => {
    const blocks = Array.from({ length: count }, () =>
      testBlock([{ from: 100 * next, text: `line ${next++}\nother\n` }]),
    );
    return putObject(store, blocks, { prefix: 'team/', arrivedMs: clock.now() - agoMs });
  };
  return { clock, store, config, events, turn, ndjson, add };
}

test('each archive object gets one NDJSON object, a line for each event with its event and block id', async () => {
  const { store, turn, ndjson, add } = setUp();
  add(0);
  add(48 * hour);
  await turn();
  const keys = ndjson();
  assert.equal(keys.length, 2);
  assert.match(
    keys.sort()[1] ?? '',
    /^team\/ndjson\/logs\/dt=2026-02-03\/hour=04\/shard-1-\d+-00000000\.ndjson\.gz$/,
  );
  const lines = keys.flatMap((key) =>
    gunzipSync(store.objects.get(key)?.bytes ?? Buffer.alloc(0))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
  assert.equal(lines.length, 12);
  assert.equal(new Set(lines.map((line) => line.event_id)).size, 12);
  for (const line of lines) {
    assert.match(String(line.block_id), /^[0-9a-f]{32}$/);
    assert.match(String(line.message), /^(line \d+|other)$/);
  }
  const calls = store.calls.length;
  await turn();
  assert.equal(store.calls.slice(calls).includes('put'), false, 'the second turn finds nothing to do');
});

test('no text has U+0000, which warehouses end or refuse a line for', async () => {
  const { store, turn, ndjson } = setUp();
  putObject(store, [testBlock([{ from: 0, text: '\0\0hole\\u0000 is text\0\n' }])], { prefix: 'team/' });
  await turn();
  const [key = ''] = ndjson();
  const line = JSON.parse(gunzipSync(store.objects.get(key)?.bytes ?? Buffer.alloc(0)).toString());
  assert.equal(line.message, '\u2400\u2400hole\\u0000 is text\u2400');
});

test('the layout of blocks alone makes no NDJSON', async () => {
  const { turn, ndjson, add } = setUp('blocks');
  add();
  await turn();
  assert.deepEqual(ndjson(), []);
});

test('an object that cannot be read is told once and does not keep the others out', async () => {
  const { store, events, turn, ndjson, add } = setUp();
  const object = store.objects.get(add());
  assert.ok(object);
  object.bytes = object.bytes.subarray(0, -3);
  add();
  await turn();
  await turn();
  assert.equal(ndjson().length, 1);
  assert.equal(events.filter(([name]) => name === 'ndjson_failed').length, 1);
});

test('an S3 that fails in the middle of an object leaves none, and the next turn makes it', async () => {
  const { store, turn, ndjson, add } = setUp();
  add();
  store.fate = (call) => (call === 'read' ? 'fails' : 'works');
  await assert.rejects(turn(), { code: 'ARCHIVE_UNAVAILABLE' });
  assert.deepEqual(ndjson(), []);
  store.fate = () => 'works';
  await turn();
  assert.equal(ndjson().length, 1);
});

test('uploads that nobody finished are removed when they are a day old, of this prefix only', async () => {
  const { clock, store, events, turn } = setUp('blocks');
  const at = (key: string, agoMs: number) => {
    store.uploads.set(key, { key, parts: [], startedMs: clock.now() - agoMs });
  };
  at('team/archive/logs/old', 25 * hour);
  at('team/ndjson/logs/old', 25 * hour);
  at('team/archive/logs/young', 23 * hour);
  at('team/other', 48 * hour);
  at('archive/of/others', 48 * hour);
  await turn();
  assert.deepEqual(
    events.map(([name, { object }]) => `${name} ${object}`),
    ['upload_removed team/archive/logs/old', 'upload_removed team/ndjson/logs/old'],
  );
  assert.deepEqual([...store.uploads.keys()], ['team/archive/logs/young', 'team/other', 'archive/of/others']);
});

test('a block that rendering throws at is left out, and all other objects are made', async () => {
  const real = createRenderer();
  const renderer: Renderer = {
    renderBlock(block, records, emit) {
      if (Buffer.from(block.payload).includes('line 1\n')) throw new TypeError('a fault of ours');
      return real.renderBlock(block, records, emit);
    },
  };
  const { events, turn, ndjson, add } = setUp('blocks+ndjson', renderer);
  add(0);
  add(0);
  await turn();
  assert.equal(ndjson().length, 2);
  assert.deepEqual(events.map(([name, { events: made, unrendered }]) => [name, made, unrendered]).sort(), [
    ['ndjson_written', 4, 1],
    ['ndjson_written', 6, 0],
  ]);
});

test('an NDJSON object that breaks off in the middle leaves no parts behind', async () => {
  const { clock, store } = setUp();
  const noise = Buffer.from(clock.bytes(200_000)).toString('hex');
  const blocks = [0, 1, 2].map((i) => testBlock([{ from: i * 1e6, text: `${noise.slice(i)}\n` }]));
  const key = putObject(store, blocks, { prefix: 'team/' });
  let reads = 0;
  store.fate = (call) => (call === 'read' && reads++ === 3 ? 'fails' : 'works');
  const options = {
    objects: store,
    renderer: createRenderer(),
    clock,
    prefix: 'team/',
    readBytes: 1,
    partBytes: 1_000,
    retry: { baseMs: 1, maxMs: 1 },
    emit() {},
    corrections: async () => new Corrections([]),
  };
  const bytes = store.objects.get(key)?.bytes.length ?? 0;
  await assert.rejects(writeNdjson(options, { key, bytes }, new AbortController().signal));
  assert.ok(store.calls.includes('create'));
  await settle();
  assert.equal(store.uploads.size, 0);
});
