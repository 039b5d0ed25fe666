import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import type { ConformanceBench } from './conformance.ts';
import type { EngineAdmin } from './conformance-admin.ts';
import type { ScanRequest, SearchHit } from './port.ts';

const documents = 400;

/** The part of the store conformance suite about scans. */
export function scanConformance(bench: ConformanceBench, admin: EngineAdmin): void {
  const { create, document, store, stream } = bench;
  const at = (date: string) => `millrace-${stream}_s-2026.11.${date}`;
  const event = (offset: number, date: string) => ({
    ...document(offset, {
      message: `scanned ${offset} ${'x'.repeat(200)}`,
      tag: 'scan',
      kv: [`n=${offset}`],
    }),
    index: at(date),
  });
  const scan = (more: Partial<ScanRequest> = {}, signal?: AbortSignal) => {
    const query = { term: { tag: 'scan' } };
    const request = {
      indices: [`millrace-${stream}_s-*`],
      query,
      pageBytes: 20_000,
      keepMs: 60_000,
      ...more,
    };
    return store.scan(request, signal);
  };
  const open = () => scrollsOf(admin, `millrace-${stream}_s-*`);
  before(async () => {
    const events = Array.from({ length: documents }, (_, i) => event(i, i % 2 === 0 ? '21' : '22'));
    for (const result of await create(events)) assert.equal(result.kind, 'created');
    await store.refresh();
  });

  it('scans every document once, the newest index first, whatever is indexed meanwhile', async () => {
    const expected = await hitsOf(scan());
    assert.equal(new Set(expected.map(({ id }) => id)).size, documents);
    const pages = scan();
    const found: SearchHit[] = [];
    for await (const page of pages) {
      assert.ok(page.length > 10 && page.length < 100, `${page.length}`);
      found.push(...page);
      if (found.length > page.length) continue;
      for (const date of ['21', '22']) assert.equal((await create([event(1000, date)]))[0]?.kind, 'created');
      await store.refresh();
    }
    const half = documents / 2;
    // The index that comes second is looked into when its turn comes.
    assert.deepEqual(new Set(found.map(({ id }) => id)).size, found.length);
    assert.ok(found.length - documents <= 1, `${found.length}`);
    assert.ok(found.slice(0, half).every(({ index }) => index === at('22')));
    assert.ok(found.slice(half).every(({ index }) => index === at('21')));
    assert.match(String(found[0]?.source.kv), /^n=/);
    assert.equal(await open(), 0);
  });

  it('scans what a query finds, and nothing where nothing is', async () => {
    const some = { range: { 'log.offset': { gte: 10, lt: 20 } } };
    const found = await hitsOf(scan({ query: some }));
    assert.equal(new Set(found.map(({ id }) => id)).size, 10);
    for (const indices of [[], ['millrace-no_such_stream-*'], ['millrace-no_such_stream-2026.01.01']])
      assert.deepEqual(await hitsOf(scan({ indices })), []);
    assert.deepEqual(await hitsOf(scan({ query: { term: { tag: 'no such tag' } } })), []);
    await assert.rejects(hitsOf(scan({ indices: ['*'] })), { code: 'STORE_REJECTED' });
    await assert.rejects(hitsOf(scan({ query: { nonsense: {} } })), { code: 'STORE_REJECTED' });
  });

  it('holds nothing in the engine when a scan is left early or cancelled', async () => {
    for await (const page of scan()) {
      assert.ok(page.length > 0);
      assert.equal(await open(), 1);
      break;
    }
    assert.equal(await open(), 0);
    const controller = new AbortController();
    const pages = scan({}, controller.signal);
    await pages.next();
    controller.abort();
    await assert.rejects(async () => {
      for (let page = await pages.next(); page.done !== true; ) page = await pages.next();
    });
    assert.equal(await open(), 0);
  });

  it('fails when its place is lost, and does not end as if that were all', async () => {
    await create([...Array(200).keys()].map((i) => event(5_000 + i, '23')));
    await store.refresh();
    const pages = scan({ indices: [at('23')] });
    await pages.next();
    await store.deleteIndex(at('23'));
    await assert.rejects(hitsOf(pages), { code: 'STORE_UNAVAILABLE' });
  });
}

/** How many scrolls an engine holds for these indices. */
async function scrollsOf(admin: EngineAdmin, pattern: string): Promise<number> {
  const { indices } = await admin.rest('GET', `/${pattern}/_stats/search`);
  const all = Object.values(indices as Record<string, { total: { search: { scroll_current: number } } }>);
  return all.reduce((sum, { total }) => sum + total.search.scroll_current, 0);
}

async function hitsOf(pages: AsyncGenerator<SearchHit[], void>): Promise<SearchHit[]> {
  const hits: SearchHit[] = [];
  for await (const page of pages) hits.push(...page);
  return hits;
}
