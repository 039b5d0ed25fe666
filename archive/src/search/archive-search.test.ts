import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRenderer } from '@millrace/core/document/render.ts';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { compileQueryText } from '@millrace/core/query/compile.ts';
import { matcherOf } from '@millrace/core/query/match.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { eventTie } from '@millrace/core/store/action.ts';
import { compareHits, hitOrder } from '@millrace/core/store/hit-order.ts';
import type { Dsl, SearchHit, SortValues } from '@millrace/core/store/port.ts';
import { decodeBlock } from '@millrace/core/wire/decode.ts';
import { blockRecords } from '@millrace/core/wire/records.ts';
import fc from 'fast-check';
import { Catalog } from '../catalog.ts';
import { CorrectionShelf } from '../corrections/shelf.ts';
import { type FakeObjectStore, fakeObjectStore } from '../testing/fake-object-store.ts';
import { all, hourly, json, linesAt, readsOf, startMs } from '../testing/hourly.ts';
import { putObject, type TestRun, testBlock, testGeneration } from '../testing/objects.ts';
import { type ArchiveRequest, ArchiveSearch } from './archive-search.ts';
import { ScanPool } from './scan-pool.ts';

const pool = new ScanPool({ workers: 2, taskMsMax: 20_000, memoryBytesMax: 2 ** 28, clock: systemClock });
after(() => pool.close());

function searchIn(
  store: FakeObjectStore,
  query: string | Dsl,
  more: Partial<ArchiveRequest> = {},
  signal = new AbortController().signal,
  own = pool,
  { readBytes = 2_000, heldBytesMax = 1 << 24 } = {},
): ArchiveSearch {
  const clock = { ...systemClock, now: () => startMs + 9 * 3_600_000 };
  const onProblem = () => {};
  return new ArchiveSearch(
    {
      objects: store,
      catalog: new Catalog({ objects: store, prefix: '', clock, onProblem, manifests: 'off' }),
      shelf: new CorrectionShelf(store, ''),
      pool: own,
      clock,
      readBytes,
      heldBytesMax,
      lateMs: 7 * 86_400_000,
    },
    {
      stream: undefined,
      query: typeof query === 'string' ? compileQueryText(query, { nowMs: startMs }) : query,
      times: { first: Number.NEGATIVE_INFINITY, last: Number.POSITIVE_INFINITY },
      order: 'desc',
      limit: 1_000,
      highlight: false,
      bytesMax: 2 ** 40,
      timeMsMax: 60_000,
      ...more,
    },
    signal,
  );
}

/** What a reader of everything finds: one of each block, matched document by document. */
function expected(
  blocks: Buffer[],
  query: string,
  { order = 'desc', limit = 1_000, after: behind }: Partial<ArchiveRequest> = {},
): SearchHit[] {
  const matches = matcherOf(compileQueryText(query, { nowMs: startMs }));
  const renderer = createRenderer();
  const hits: SearchHit[] = [];
  for (const bytes of new Map(blocks.map((block) => [blockId(block), block])).values()) {
    const block = decodeBlock(bytes);
    renderer.renderBlock(block, blockRecords(block), ({ id, index, source: text }) => {
      const source = JSON.parse(text);
      if (!matches(id, source)) return;
      const { log, event } = source;
      event.tie = eventTie(id);
      const sort: SortValues = [source['@timestamp'], log.file.path, event.generation, log.offset, event.tie];
      delete source.kv;
      delete source.kn;
      hits.push({ id, index, source, sort });
    });
  }
  return hits
    .sort((a, b) => compareHits(hitOrder(a.sort), hitOrder(b.sort), order))
    .filter(({ sort }) => behind === undefined || compareHits(hitOrder(sort), hitOrder(behind), order) > 0)
    .slice(0, limit);
}

const words = ['error', 'Timeout', 'order', 'order-4711', 'caf\u00e9', 'K\u212a', 'a\nb', 'x'];
const line = fc
  .tuple(
    fc.oneof(fc.nat(5), fc.nat(3_000)),
    fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }),
    fc.nat(5),
  )
  .map(([second, text, user]) => {
    const time = new Date(startMs + second * 1000 + user * 100).toISOString();
    return `${JSON.stringify({ time, message: text.join(' '), user: { id: user } })}\n`;
  });
const block = fc
  .tuple(
    fc.array(fc.array(line, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
    fc.record({ host: fc.constantFrom('web-1', 'web-2'), stream: fc.constantFrom('logs', 'shop') }),
    fc.nat(40),
  )
  .map(([runs, where, at]) => {
    const made = runs.map(
      (lines, i): TestRun => ({
        life: i + 1,
        path: `/var/log/${'ab'[i % 2]}.log`,
        tag: i === 0 ? 'app' : 'app.shop',
        from: at * 1_000 + i * 100_000,
        text: lines.join(''),
        capturedMs: startMs,
      }),
    );
    return { bytes: testBlock(made, { ...where, rule: json }), stream: where.stream };
  });
const queries = [
  '',
  'timeout',
  'order-4711',
  '"order x"',
  'NOT error',
  'tag:app.shop timeout',
  'host:web-2 OR user.id:3',
  'user.id:3',
  'caf\u00e9',
  'kk',
  'b',
  'file:*b.log -order',
  'log.offset:<2000',
  '*imeou*',
  '@timestamp:>2026-02-02T03:25:00',
];

test('a search of the archive finds what a reader of everything finds, in order, whatever lies in which object', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.array(block, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.nat(3)), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.constantFrom(...queries),
      fc.constantFrom('asc' as const, 'desc' as const),
      fc.constantFrom(3, 1_000),
      fc.option(fc.nat(3_000), { nil: undefined }),
      async (objects, query, order, limit, second) => {
        const store = fakeObjectStore();
        const before: Buffer[] = [];
        for (const [blocks, told, hour] of objects) {
          // Some blocks lie in several objects.
          const copies = before.slice(0, 1).filter((bytes) => decodeBlock(bytes).header.stream === 'logs');
          for (const stream of ['logs', 'shop']) {
            const own = blocks.filter((item) => item.stream === stream).map(({ bytes }) => bytes);
            if (own.length === 0) continue;
            putObject(store, stream === 'logs' ? [...own, ...copies] : own, {
              told,
              arrivedMs: startMs + hour * 3_600_000,
            });
            before.push(...own);
          }
        }

        const behind: SortValues | undefined =
          second === undefined
            ? undefined
            : [new Date(startMs + second * 1000).toISOString(), '/var/log/a.log', '', 0, 0];
        const more = { order, limit, ...(behind && { after: behind }) };
        const search = searchIn(store, query, more);
        assert.deepEqual(await all(search), expected(before, query, more));
        assert.deepEqual(search.shortfalls, []);
      },
    ),
    { numRuns: 100, seed: 4 },
  );
});

test('hits carry the bytes of their records when asked: terminators, and what is no UTF-8', async () => {
  const store = fakeObjectStore();
  const written = ['caf\u00e9\r\n', 'one\u00ff\n', '\n', 'the end'].map((text) =>
    Buffer.from(text, 'latin1'),
  );
  putObject(store, [testBlock([{ from: 0, text: Buffer.concat(written), capturedMs: startMs }])], {
    told: true,
    arrivedMs: startMs,
  });
  const hits = await all(searchIn(store, '', { order: 'asc', raw: true }));
  assert.deepEqual(Buffer.concat(hits.map(({ raw = Buffer.from('none') }) => raw)), Buffer.concat(written));
  assert.equal((await all(searchIn(store, 'caf*', { raw: true })))[0]?.raw?.length, 6);
  assert.equal((await all(searchIn(store, '')))[0]?.raw, undefined);
});

test('a search of far more hits than fit in memory gives them all: it looks ahead as far as there is room', async () => {
  const store = fakeObjectStore();
  const blocks = Array.from({ length: 60 }, (_, i) =>
    testBlock([{ life: i + 1, from: 0, text: linesAt(i * 60, 50, 'tick') }], { rule: json }),
  );
  putObject(store, blocks, { told: true, arrivedMs: startMs });
  for (const order of ['asc', 'desc'] as const) {
    const limits = { readBytes: 1 << 20, heldBytesMax: 300_000 };
    const search = searchIn(store, 'tick', { order, limit: 10_000 }, undefined, pool, limits);
    assert.equal((await all(search)).length, 3_000);
    assert.deepEqual(search.shortfalls, []);
  }
});

test('a search that has enough hits reads no further', async () => {
  const one = new ScanPool({ workers: 1, taskMsMax: 20_000, memoryBytesMax: 2 ** 28, clock: systemClock });
  const store = hourly(40);
  const hits = await all(searchIn(store, 'tick', { limit: 5 }, undefined, one));
  assert.equal(hits.length, 5);
  // The footers of all, and the blocks of a few.
  assert.ok(readsOf(store) <= 40 + 6, `${readsOf(store)} reads`);
  await one.close();
});

test('what comes behind a hit is looked for behind it: pages far back do not read all before them', async () => {
  const store = hourly(10);
  const hits = await all(searchIn(store, 'tick'));
  for (const order of ['desc', 'asc'] as const) {
    const own = order === 'desc' ? hits : hits.toReversed();
    const after = own[89]?.sort ?? [];
    store.calls.length = 0;
    assert.deepEqual(await all(searchIn(store, 'tick', { order, after })), own.slice(90));
    // The footers of all, the block of the hit and the one behind.
    assert.equal(readsOf(store), 10 + 2, order);
  }
});

test('a search that has no room for its next hits says so, and reads nothing of those behind them', async () => {
  const store = hourly(10);
  const search = searchIn(store, 'tick', {}, undefined, pool, { heldBytesMax: 4_000 });
  const hits = await all(search);
  assert.ok(hits.length > 0 && hits.length < 10, `${hits.length}`);
  assert.deepEqual(
    search.shortfalls.map(({ code }) => code),
    ['rows'],
  );
  assert.equal(readsOf(store), 10 + 1);
});

test('objects whose filter does not know the word are not read', async () => {
  const store = hourly(10);
  putObject(store, [testBlock([{ life: 99, from: 0, text: linesAt(0, 3, 'needle') }], { rule: json })], {
    told: true,
    arrivedMs: startMs,
  });
  const search = searchIn(store, 'needle');
  assert.equal((await all(search)).length, 3);
  assert.equal(readsOf(store), 11 + 1);
  assert.deepEqual(
    { ...search.progress, bytes: 0, bytesTotal: 0 },
    { objects: 1, objectsTotal: 1, bytes: 0, bytesTotal: 0 },
  );
});

test('a damaged block is told, and a good copy of it is taken instead', async () => {
  const store = fakeObjectStore();
  const good = testBlock([{ from: 0, text: linesAt(0, 3, 'whole') }], { rule: json });
  const lost = testBlock([{ life: 2, from: 0, text: linesAt(5, 3, 'whole') }], { rule: json });
  const first = putObject(store, [good, lost], { told: true, arrivedMs: startMs });
  const object = store.objects.get(first);
  assert.ok(object);
  object.bytes = Buffer.from(object.bytes);
  for (const at of [good.length - 12, good.length + lost.length - 12])
    object.bytes[at] = (object.bytes[at] ?? 0) ^ 255;
  putObject(store, [good], { told: true, arrivedMs: startMs + 3_600_000 });
  const search = searchIn(store, 'whole', { order: 'asc' });
  assert.equal((await all(search)).length, 3);
  const [shortfall, ...more] = search.shortfalls;
  assert.equal(shortfall?.code, 'archive_unreadable');
  assert.match(shortfall?.message ?? '', new RegExp(blockId(lost)));
  assert.deepEqual(more, []);
});

test('an object without a readable footer is told', async () => {
  const store = hourly(2);
  const [key = ''] = store.objects.keys();
  store.objects.set(key, { bytes: Buffer.from('nothing of the kind'), modifiedMs: startMs });
  const search = searchIn(store, 'tick');
  assert.equal((await all(search)).length, 10);
  assert.deepEqual(
    search.shortfalls.map(({ code }) => code),
    ['archive_unreadable'],
  );
});

test('corrections hold: what they drop is not found, and what they read anew is found under its new text and time', async () => {
  const store = hourly(6);
  const shelf = new CorrectionShelf(store, '');
  const base = {
    stream: 'logs',
    madeMs: 1,
    reason: 'test',
    select: { tags: [], hosts: [], files: [] },
    objects: [],
  };
  const source = (life: number) => ({
    generation: generationText(testGeneration(life)),
    ranges: [[0, 1_000_000]] as [number, number][],
  });
  await shelf.add({ ...base, action: { drop: true }, sources: [source(1)] });
  const rule = '{"add":{"env":"made later"},"parse":{"type":"none"},"v":1}';
  await shelf.add({ ...base, action: { rule }, sources: [source(6)] });
  assert.equal((await all(searchIn(store, 'message:tick'))).length, 50);
  // Read as text, its time is that of its capture, and its message all of it.
  const moved = await all(searchIn(store, 'env:"made later" AND @timestamp:"2026-02-02T03:00:00.000Z"'));
  assert.equal(moved.length, 10);
  assert.match(String(moved[0]?.source.message), /^\{"time":/);
  // In order of the new times, though the footer knows the old ones.
  const times = (await all(searchIn(store, '', { order: 'asc' }))).map(
    ({ source: { '@timestamp': time } }) => time,
  );
  assert.deepEqual(times, [...times].sort());
  assert.equal(times[0], '2026-02-02T03:00:00.000Z');
});

test('blocks of one second are all looked at before the first of its hits is given', async () => {
  const one = new ScanPool({ workers: 1, taskMsMax: 20_000, memoryBytesMax: 2 ** 28, clock: systemClock });
  const lines = (ms: number) =>
    [0, 1, 2]
      .map((i) => `${JSON.stringify({ time: new Date(startMs + ms + i).toISOString(), message: 'tick' })}\n`)
      .join('');
  for (const early of [1, 2]) {
    const blocks = [1, 2].map((life) =>
      testBlock([{ life, from: 0, text: lines(life === early ? 100 : 900), capturedMs: startMs }], {
        rule: json,
      }),
    );
    for (const objects of [blocks.map((bytes) => [bytes]), [blocks]]) {
      const store = fakeObjectStore();
      for (const own of objects) putObject(store, own, { told: true, arrivedMs: startMs });
      for (const order of ['asc', 'desc'] as const) {
        const hits = await all(searchIn(store, 'tick', { order, limit: 3 }, undefined, one));
        const millis = hits.map(({ source }) => String(source['@timestamp']).slice(20, 23));
        assert.deepEqual(millis, order === 'asc' ? ['100', '101', '102'] : ['902', '901', '900']);
      }
    }
  }
  await one.close();
});

test('a search that is cancelled reads nothing more, and leaves the threads to others', async () => {
  const store = hourly(30);
  const controller = new AbortController();
  const search = searchIn(store, 'tick', { order: 'asc', limit: 500 }, controller.signal);
  assert.ok((await search.next()) !== undefined);
  controller.abort(new Error('gone away'));
  await assert.rejects(async () => {
    for (let i = 0; i < 500; i++) await search.next();
  }, /gone away/);
  const reads = readsOf(store);
  assert.equal((await all(searchIn(hourly(1), 'tick'))).length, 10);
  assert.equal(readsOf(store), reads);
  assert.equal(pool.queued, 0);
});

test('time and bytes are bounded: what was found until then is given, and that it is not all', async () => {
  const bytes = searchIn(hourly(30), 'tick', { bytesMax: 1 });
  const found = await all(bytes);
  assert.ok(found.length > 0 && found.length < 300, `${found.length}`);
  assert.deepEqual(
    bytes.shortfalls.map(({ code }) => code),
    ['rows'],
  );
  const slow = hourly(2);
  slow.read = (_key, _from, _to, signal) =>
    new Promise((_, reject) => {
      if (signal?.aborted) reject(new Error('aborted'));
      signal?.addEventListener('abort', () => reject(new Error('aborted')));
    });
  const time = searchIn(slow, 'tick', { timeMsMax: 20 });
  assert.deepEqual(await all(time), []);
  assert.deepEqual(
    time.shortfalls.map(({ code }) => code),
    ['time'],
  );
});

test('an archive that does not answer is an error, not an empty answer', async () => {
  const store = hourly(2);
  store.fate = (call) => (call === 'read' ? 'fails' : 'works');
  await assert.rejects(all(searchIn(store, 'tick')), { code: 'ARCHIVE_UNAVAILABLE' });
});

test('a thread that does not come back from a block is ended, the block is told, and the search goes on without it', async () => {
  const hasty = new ScanPool({ workers: 1, taskMsMax: 1, memoryBytesMax: 2 ** 28, clock: systemClock });
  const search = searchIn(hourly(2), 'tick', {}, undefined, hasty);
  assert.deepEqual(await all(search), []);
  const [shortfall] = search.shortfalls;
  assert.equal(shortfall?.code, 'archive_unreadable');
  assert.match(shortfall?.message ?? '', /block [0-9a-f]{32}: no answer within 1 ms \(and 1 more\)/);
  await hasty.close();
});
