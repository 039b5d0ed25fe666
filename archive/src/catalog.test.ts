import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hourMs } from '@millrace/core/archive/key.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { Catalog, type CatalogWindow } from './catalog.ts';
import { fakeObjectStore } from './testing/fake-object-store.ts';
import { putObject, testBlock } from './testing/objects.ts';

const startMs = Date.UTC(2026, 1, 3, 4);

function setUp(prefix = '') {
  const store = fakeObjectStore();
  const problems: { key: string; error: Error }[] = [];
  const clock: Clock = {
    now: () => startMs + 24 * hourMs,
    monotonic: () => 0,
    sleep: async () => {},
    random: () => 0.5,
    bytes: (size) => new Uint8Array(size),
  };
  const catalog = (manifests: 'write' | 'read' | 'off' = 'write') =>
    new Catalog({ objects: store, prefix, clock, manifests, onProblem: (problem) => problems.push(problem) });
  let next = 0;
  /** `count` objects of one line each in hour `hour` after the start. */
  const add = (hour: number, count = 1, shard = 'shard-1', stream = 'logs') =>
    Array.from({ length: count }, () =>
      putObject(store, [testBlock([{ from: next++ * 10, text: 'one line\n' }], { stream })], {
        prefix,
        arrivedMs: startMs + hour * hourMs,
        shard,
      }),
    );
  const reads = () => store.calls.filter((call) => call === 'read').length;
  return { store, problems, catalog, add, reads };
}

async function keysOf(catalog: Catalog, window: CatalogWindow = { stream: 'logs' }): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key, footer } of catalog.entries(window)) {
    assert.equal(footer.stream, window.stream);
    keys.push(key);
  }
  return keys;
}

test('a window holds the objects of its arrival hours, of all shards and spill, in pages', async () => {
  const { catalog, add } = setUp('team/');
  add(0, 3);
  const inside = [...add(1, 1_200), ...add(1, 2, 'spill'), ...add(2)];
  add(3, 2);
  add(1, 1, 'shard-1', 'other');
  const window = { stream: 'logs', fromMs: startMs + 1.5 * hourMs, toMs: startMs + 3 * hourMs };
  assert.deepEqual(await keysOf(catalog(), window), inside.sort());
  assert.deepEqual(await catalog().streams(), ['logs', 'other']);
});

test('a second reader asks for manifests, not for footers', async () => {
  const { catalog, add, reads, store } = setUp('team/');
  const keys = [...add(1, 40), ...add(2, 40)].sort();
  assert.deepEqual(await keysOf(catalog()), keys);
  assert.equal(reads(), 80);
  const manifests = [...store.objects.keys()].filter((key) => key.startsWith('team/manifests/'));
  assert.equal(manifests.length, 2);
  const second = catalog();
  assert.deepEqual(await keysOf(second), keys);
  assert.equal(reads(), 82);
  assert.deepEqual(await keysOf(second), keys);
  assert.equal(reads(), 82, 'the third time it is in memory');
});

test('what came after a manifest is fetched and goes into another; without manifests all is fetched', async () => {
  const { catalog, add, reads, store } = setUp();
  add(1, 10);
  await keysOf(catalog());
  add(1, 5);
  assert.equal((await keysOf(catalog())).length, 15);
  assert.equal(reads(), 10 + 1 + 5);
  assert.equal((await keysOf(catalog())).length, 15);
  assert.equal(reads(), 16 + 2);
  for (const key of store.objects.keys()) if (key.startsWith('manifests/')) store.objects.delete(key);
  assert.equal((await keysOf(catalog('read'))).length, 15);
  assert.equal(reads(), 18 + 15);
});

test('an hour that is not over yet gets no manifest', async () => {
  const { catalog, add, store } = setUp();
  add(23, 10);
  await keysOf(catalog());
  assert.equal(store.calls.includes('put'), false);
});

test('an unreadable footer and a damaged manifest are named, and the list goes on', async () => {
  const { catalog, add, store, problems } = setUp();
  const [broken = '', ...others] = add(1, 6);
  const object = store.objects.get(broken);
  assert.ok(object);
  object.bytes = object.bytes.subarray(0, -3);
  assert.deepEqual(await keysOf(catalog()), others.sort());
  assert.deepEqual(
    problems.map(({ key }) => key),
    [broken],
  );
  const manifest = [...store.objects.keys()].find((key) => key.startsWith('manifests/'));
  const body = store.objects.get(manifest ?? '')?.bytes;
  assert.ok(body);
  body[20] = (body[20] ?? 0) ^ 1;
  assert.deepEqual(await keysOf(catalog()), others.sort());
  assert.deepEqual(
    problems.slice(1).map(({ key }) => key),
    [manifest, broken],
  );
});

test('a manifest says nothing of an object of another size', async () => {
  const { catalog, add, store, problems } = setUp();
  const [key = ''] = add(1, 6);
  await keysOf(catalog());
  const other = putObject(store, [testBlock([{ from: 77, text: 'longer than the one before\n' }])], {
    arrivedMs: startMs + hourMs,
  });
  const object = store.objects.get(other);
  assert.ok(object);
  store.objects.delete(other);
  store.objects.set(key, object);
  const entries = await Array.fromAsync(catalog().entries({ stream: 'logs' }));
  assert.equal(entries.find((entry) => entry.key === key)?.footer.sources[0]?.covered[0]?.from, 77);
  assert.deepEqual(problems, []);
});

test('an S3 that fails now and then is asked again; one that is down ends the list with an error', async () => {
  const { catalog, add, store } = setUp();
  const keys = add(1, 20).sort();
  let calls = 0;
  store.fate = () => (calls++ % 3 === 0 ? 'fails' : 'works');
  assert.deepEqual(await keysOf(catalog()), keys);
  store.fate = (call) => (call === 'read' ? 'fails' : 'works');
  await assert.rejects(keysOf(catalog('off')), { code: 'ARCHIVE_UNAVAILABLE' });
});

test("a footer that cannot be read before it is its turn is the reader's error, not the process's", async () => {
  const { catalog, add, store } = setUp();
  const [first = ''] = add(1, 3).sort();
  const { read } = store;
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  store.read = async (key, ...more) => {
    if (key !== first) throw new MillraceError('ARCHIVE_UNAVAILABLE', 'S3 is away');
    await new Promise((resolve) => setTimeout(resolve, 20));
    return read(key, ...more);
  };
  try {
    await assert.rejects(keysOf(catalog('off')), /S3 is away/);
  } finally {
    process.off('unhandledRejection', note);
  }
  assert.deepEqual(unhandled, []);
});
