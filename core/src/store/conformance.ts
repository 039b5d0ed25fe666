import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import type { RenderedDocument } from '../document/types.ts';
import { eventId } from '../ids/event-id.ts';
import { generationText, mintGeneration } from '../ids/generation.ts';
import { tokenize } from '../query/tokenize.ts';
import { systemClock } from '../runtime/clock.ts';
import { bulkAction } from './action.ts';
import { accountingConformance } from './conformance-accounting.ts';
import type { EngineAdmin } from './conformance-admin.ts';
import { aggregateConformance } from './conformance-aggregate.ts';
import { fieldsConformance } from './conformance-fields.ts';
import { keepingConformance } from './conformance-keeping.ts';
import { objectsConformance } from './conformance-objects.ts';
import { pagingConformance } from './conformance-paging.ts';
import { pointsConformance } from './conformance-points.ts';
import { applyConformance, pipesConformance, queryConformance } from './conformance-query.ts';
import { scanConformance } from './conformance-scan.ts';
import { timeConformance } from './conformance-time.ts';
import { timesConformance } from './conformance-times.ts';
import type { BulkResult, Dsl, SearchRequest, SearchResponse, Store } from './port.ts';

/** What one run of the suite works on. The engine behind it must be of its own: cluster settings are changed. */
export interface ConformanceSubject {
  store: Store;
  /** For the faults that no port should offer. */
  admin: EngineAdmin;
}

/** What the tests of the suite share: a stream of their own, and short ways to fill and ask it. */
export interface ConformanceBench {
  store: Store;
  stream: string;
  index: string;
  generation: Buffer;
  document(offset: number, fields: Record<string, unknown>, recut?: string): RenderedDocument;
  create(documents: RenderedDocument[]): Promise<BulkResult[]>;
  search(query: Dsl, more?: Partial<SearchRequest>): Promise<SearchResponse>;
  /** Messages found, in order. */
  messages(query: Dsl): Promise<unknown[]>;
}

export const all: Dsl = { match_all: {} };

/** The one suite for every adapter of the port, on a real engine. */
export function storeConformance({ store, admin }: ConformanceSubject): void {
  describe('store conformance', () => {
    const bench = conformanceBench(store);

    before(async () => {
      await store.install();
    });
    after(async () => {
      await admin.deleteIndices(`millrace-${bench.stream}*`);
      await store.close();
    });

    it('names the engine and its version', async () => {
      assert.match(await store.describe(), /^(opensearch|elasticsearch) \d+\.\d+/);
    });

    it('installs again without change, and leaves the templates of a newer version alone', async () => {
      const first = await admin.template('millrace-events');
      await store.install();
      assert.deepEqual(await admin.template('millrace-events'), first);
      const newer = { ...first, _meta: { ...(first._meta as object), version: 1_000_000 } };
      await admin.putTemplate('millrace-events', newer);
      await store.install();
      assert.deepEqual(await admin.template('millrace-events'), newer);
      await admin.putTemplate('millrace-events', first);
    });

    writing(bench);
    searching(bench);
    pagingConformance(bench);
    pointsConformance(bench);
    scanConformance(bench, admin);
    aggregateConformance(bench);
    timeConformance(bench);
    objectsConformance(bench);
    timesConformance(bench);
    queryConformance(bench);
    pipesConformance(bench);
    applyConformance(bench);
    keepingConformance(bench);
    fieldsConformance(bench, admin);
    analyzing(bench, admin);
    marks(bench);
    accountingConformance(bench);
    backpressure(bench, admin);
  });
}

function conformanceBench(store: Store): ConformanceBench {
  const stream = `conformance_${Buffer.from(systemClock.bytes(6)).toString('hex')}`;
  const index = `millrace-${stream}-2026.11.22`;
  const generation = mintGeneration(systemClock);
  const search: ConformanceBench['search'] = (query, more = {}) =>
    store.search({
      indices: [`millrace-${stream}-*`],
      query,
      size: 100,
      order: 'asc',
      trackTotal: 100_000,
      highlight: false,
      ...more,
    });
  return {
    store,
    stream,
    index,
    generation,
    search,
    document(offset, fields, recut = '') {
      const message = String(fields.message);
      const source = {
        '@timestamp': '2026-11-22T10:00:00.000Z',
        stream,
        log: { offset, file: { path: '/var/log/app.log' } },
        ...fields,
        event: { generation: generationText(generation) },
      };
      const id = eventId(generation, offset, crc32(message + recut));
      return { index, id, source: JSON.stringify(source) };
    },
    create: (documents) =>
      store.bulkCreate(
        // As bytes, the way the indexer sends them.
        Buffer.from(documents.map((document) => bulkAction(document, '2026-11-22T11:12:13.000Z')).join('')),
        documents.length,
      ),
    async messages(query) {
      return (await search(query)).hits.map((hit) => hit.source.message);
    },
  };
}

function writing({ document, create, search, messages, store, index }: ConformanceBench): void {
  it('creates a document once; the same id again is there already', async () => {
    const one = document(1, { message: 'created once', tag: 'once' });
    assert.deepEqual(await create([one, one]), [{ kind: 'created' }, { kind: 'exists' }]);
    assert.deepEqual(await create([one]), [{ kind: 'exists' }]);
    await store.refresh();
    const found = await search({ term: { tag: 'once' } });
    assert.deepEqual(found.total, { value: 1, relation: 'eq' });
    assert.deepEqual([found.hits[0]?.id, found.hits[0]?.index], [one.id, index]);
  });

  it('rejects a bad document alone, in its place among good ones', async () => {
    const bad = {
      ...document(11, { message: 'x' }),
      source: '{"message":"a","message":"b","event":{"a":1}}',
    };
    const results = await create([
      document(10, { message: 'good 1', tag: 'mixed' }),
      bad,
      document(12, { message: 'no date', '@timestamp': 'yesterday' }),
      document(13, { message: 'good 2', tag: 'mixed' }),
    ]);
    assert.deepEqual(
      results.map((result) => result.kind),
      ['created', 'rejected', 'rejected', 'created'],
    );
    assert.ok(results[2]?.kind === 'rejected' && results[2].status === 400);
    assert.match(results[2].reason, /yesterday/);
    await store.refresh();
    assert.deepEqual(await messages({ term: { tag: 'mixed' } }), ['good 1', 'good 2']);
  });

  it('adds the time of indexing to the document', async () => {
    await create([document(20, { message: 'ingested', tag: 'ingested' })]);
    await store.refresh();
    const time = '2026-11-22T11:12:13.000Z';
    const ingested = { range: { 'event.ingested': { gte: time, lte: time } } };
    const found = await search({ bool: { filter: [{ term: { tag: 'ingested' } }, ingested] } });
    assert.deepEqual(
      found.hits.map((hit) => (hit.source.event as Record<string, unknown>).ingested),
      [time],
    );
  });

  it('takes any parsed field without mapping it, and gives it back', async () => {
    const fields = JSON.parse('{"__proto__":{"a":1},"a":{"b":"1"},"a.b":2,"half":"\\ud800","big":1e300}');
    await create([document(30, { message: 'any', tag: 'any', fields, surprise: { deep: 1 } })]);
    await create([document(31, { message: 'any', tag: 'any', fields: { a: 'text' }, surprise: 'text' })]);
    await store.refresh();
    const found = await search({ term: { tag: 'any' } });
    assert.equal(found.hits.length, 2);
    const returned = found.hits[0]?.source.fields as Record<string, unknown>;
    assert.deepEqual(Object.keys(returned).sort(), ['__proto__', 'a', 'a.b', 'big', 'half']);
  });

  it('finds a document by itself about a refresh interval after it was created', async () => {
    await create([document(40, { message: 'visible', tag: 'visible' })]);
    for (let tries = 0; tries < 200; tries++) {
      if ((await messages({ term: { tag: 'visible' } })).length === 1) return;
      await systemClock.sleep(100);
    }
    assert.fail('not visible after 20 s');
  });
}

function searching({ document, create, search, messages, store }: ConformanceBench): void {
  before(async () => {
    await create([
      document(100, { message: 'GET /api/v1/orders/12345 HTTP/1.1', tag: 'text' }),
      document(101, { message: 'ERROR Connection refused by upstream', tag: 'text' }),
      document(102, { message: 'refused: the connection', tag: 'text' }),
      document(103, { message: 'a', tag: 'kv', kv: ['code=200', 'who=ann'], kn: ['code=c069000000000000'] }),
      document(104, { message: 'b', tag: 'kv', kv: ['code=404'], kn: ['code=c079400000000000'] }),
      document(105, { message: 'c', tag: 'kv', kv: ['code=-1'], kn: ['code=400fffffffffffff'] }),
    ]);
    await store.refresh();
  });

  it('finds messages by word in any case, by number in a path and by phrase', async () => {
    const orders = 'GET /api/v1/orders/12345 HTTP/1.1';
    const refused = 'ERROR Connection refused by upstream';
    assert.deepEqual(await messages({ match: { message: 'ORDERS' } }), [orders]);
    assert.deepEqual(await messages({ match: { message: '12345' } }), [orders]);
    assert.deepEqual(await messages({ match_phrase: { message: 'connection refused' } }), [refused]);
    assert.equal(
      (await messages({ match: { message: { query: 'connection refused', operator: 'and' } } })).length,
      2,
    );
  });

  it('finds parsed fields by value and by numeric range, and keeps the containers out of the source', async () => {
    assert.deepEqual(await messages({ term: { kv: 'code=200' } }), ['a']);
    const range = { gte: 'code=c069000000000000', lte: 'code=c07fffffffffffff' };
    assert.deepEqual(await messages({ range: { kn: range } }), ['a', 'b']);
    const { hits } = await search({ term: { kv: 'who=ann' } });
    assert.equal(hits.length, 1);
    assert.ok(!('kv' in (hits[0]?.source ?? {})) && !('kn' in (hits[0]?.source ?? {})));
  });

  it('counts exactly up to the bound asked for, and says when it stopped', async () => {
    const exact = await search({ term: { tag: 'text' } }, { size: 0, trackTotal: 3 });
    assert.deepEqual([exact.hits.length, exact.total], [0, { value: 3, relation: 'eq' }]);
  });

  it('highlights the whole message, ends and white space included', async () => {
    const message = '\t  start middle start\u0003\n ';
    await create([document(110, { message, tag: 'marked' })]);
    await store.refresh();
    const { hits } = await search({ match: { message: 'START' } }, { highlight: true });
    const marked = '\t  \u0001start\u0002 middle \u0001start\u0002\u0003\n ';
    assert.deepEqual(
      hits.map((hit) => hit.highlight),
      [marked],
    );
  });

  it('finds a message of the longest kind, highlighted or not', async () => {
    const message = `${'word '.repeat(196_000)}needle${' x'.repeat(1000)}`;
    assert.deepEqual(await create([document(111, { message, tag: 'long' })]), [{ kind: 'created' }]);
    await store.refresh();
    const { hits } = await search({ match: { message: 'needle' } }, { highlight: true });
    assert.equal(hits.length, 1);
    const marked = hits[0]?.highlight;
    if (marked !== undefined) assert.ok(marked.includes('\u0001needle\u0002'));
  });

  it('answers empty for indices that do not exist', async () => {
    for (const indices of [['millrace-no_such_stream-*'], ['millrace-no_such_stream-2026.01.01'], []]) {
      const found = await search(all, { indices });
      assert.deepEqual([found.hits, found.total.value], [[], 0]);
      const bounds = { intervalMs: 1000, fromMs: 0, toMs: 3000 };
      const { buckets } = await store.histogram({ indices, query: all, ...bounds });
      assert.equal(
        buckets.reduce((sum, bucket) => sum + bucket.count, 0),
        0,
      );
    }
  });

  it('refuses a query that no engine understands, and indices that are not its own', async () => {
    const code = 'STORE_REJECTED';
    await assert.rejects(search({ nonsense: {} }, { highlight: true }), { code });
    for (const index of ['*', '_all', '.tasks', 'millrace_marks', 'millrace-x-*,other']) {
      await assert.rejects(search(all, { indices: [index] }), { code });
    }
  });
}

function analyzing({ create, document, index }: ConformanceBench, admin: EngineAdmin): void {
  it('cuts a message into the tokens of the tokenizer that searches the archive', async () => {
    await create([document(300, { message: 'any' })]);
    for (const text of [
      'GET /api/v1/orders/12345?a=b&c=%20 HTTP/1.1" 200 "-" [x_y] {z}',
      'ÄÖÜ straße ΣΊΣΥΦΟΣ İstanbul 日本語。「引用」\u3000emoji😀x\u00a0«q»\ufeff',
      `\0\u001b[31mred\u001b[0m\ttab ${'a'.repeat(254)}😀b ${'c'.repeat(600)}`,
      'back\\slash `tick` a.b-c_d',
    ]) {
      assert.deepEqual(await admin.tokens(index, text), tokenize(text));
    }
  });
}

function marks({ store, stream }: ConformanceBench): void {
  it('knows a mark as soon as it is put, however long the name of its object', async () => {
    const object = (suffix: string) => `archive/${stream}/2026/11/22/10/shard-1/${suffix}.zst`;
    const keys = [object('1'), object('2'), object('x'.repeat(600)), object(`${'x'.repeat(600)}y`)];
    assert.deepEqual(await store.marked(keys), new Set());
    for (const key of [keys[0], keys[2], keys[0]]) {
      const exceptions = [{ id: 'a', reason: 'too deep', outcome: 'fallback' as const }];
      await store.putMark({ object: String(key), stream, events: 3, indexed: 3, exceptions });
    }
    assert.deepEqual(await store.marked(keys), new Set([keys[0], keys[2]]));
    assert.deepEqual(await store.marked([]), new Set());
  });
}

function backpressure(bench: ConformanceBench, admin: EngineAdmin): void {
  const { document, create, stream } = bench;

  it('answers retry for a document of an index that is blocked or closed, and creates it afterwards', async () => {
    const blocked = { ...document(200, { message: 'blocked' }), index: `millrace-${stream}_b-2026.11.22` };
    await create([{ ...document(199, { message: 'first' }), index: blocked.index }]);
    for (const block of ['write', 'read_only_allow_delete']) {
      await admin.block(blocked.index, block, true);
      const results = await create([blocked, document(201, { message: block })]);
      assert.deepEqual(
        results.map((result) => result.kind),
        ['retry', 'created'],
      );
      assert.ok(results[0]?.kind === 'retry' && results[0].cause === 'block', JSON.stringify(results[0]));
      await admin.block(blocked.index, block, false);
    }
    await admin.close(blocked.index);
    const [late] = await create([blocked]);
    assert.ok(late?.kind === 'retry' && late.cause === 'block', JSON.stringify(late));
    await admin.open(blocked.index);
    assert.deepEqual(await create([blocked]), [{ kind: 'created' }]);
  });

  it('answers retry for a document whose index the shard limit keeps from being made', async () => {
    const late = { ...document(210, { message: 'late' }), index: `millrace-${stream}-2026.01` };
    await admin.shardLimit(1);
    try {
      const [result] = await create([late]);
      assert.ok(result?.kind === 'retry' && result.cause === 'shards', JSON.stringify(result));
    } finally {
      await admin.shardLimit(null);
    }
    assert.deepEqual(await create([late]), [{ kind: 'created' }]);
  });
}
