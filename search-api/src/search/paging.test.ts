import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '@millrace/core/errors.ts';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, type TestServer, testLimits, testNowMs } from '../testing/test-server.ts';

const at = (seconds: number) => new Date(testNowMs - seconds * 1000).toISOString();
/** Many of one millisecond in several files: only path, generation, offset and tie tell them apart. */
const documents = (count: number) =>
  Array.from({ length: count }, (_, i) => fakeDocument(at(60), `/${i % 3}.log`, i, `line ${i}`));

type Cursor = string | null;
interface Answer {
  ids: string[];
  next: Cursor;
  prev: Cursor;
  partial: { code: string; message: string }[];
  total: { value: number };
}

async function page(
  server: TestServer,
  parameters: Record<string, string>,
  cursor?: Cursor,
): Promise<Answer> {
  const all = new URLSearchParams({ q: 'line', size: '5', ...parameters, ...(cursor ? { cursor } : {}) });
  const { status, body } = await server.get(`/api/v1/search?${all}`);
  assert.equal(status, 200, JSON.stringify(body));
  const ids = body.hits.map((hit: { id: string }) => hit.id);
  return { ids, next: body.next_cursor, prev: body.prev_cursor, partial: body.partial, total: body.total };
}

for (const sort of ['asc', 'desc']) {
  test(`pages go through equal timestamps, each hit once, and back by the same way: ${sort}`, async () => {
    const server = await createTestServer(documents(23));
    const forward = [await page(server, { sort })];
    for (let next = forward[0]?.next ?? null; next !== null; next = forward.at(-1)?.next ?? null) {
      server.clock.nowMs += 60_000; // later pages still mean the time of the first
      forward.push(await page(server, { sort }, next));
    }
    const seen = forward.flatMap(({ ids }) => ids);
    assert.equal(new Set(seen).size, 23);
    const order = (id: string) => Number(id.split(':')[1]) + 100 * Number(id[1]);
    const sorted = seen.toSorted((a, b) => order(a) - order(b));
    assert.deepEqual(seen, sort === 'asc' ? sorted : sorted.reverse());
    assert.deepEqual(
      forward.map(({ total, partial }) => [total.value, partial.length]),
      forward.map(() => [23, 0]),
    );
    assert.equal(forward[0]?.prev, null);

    const backward: Answer[] = [];
    for (let prev = forward.at(-1)?.prev ?? null; prev !== null; prev = backward.at(-1)?.prev ?? null)
      backward.push(await page(server, { sort }, prev));
    assert.deepEqual(
      backward.map(({ ids }) => ids),
      forward
        .slice(0, -1)
        .map(({ ids }) => ids)
        .reverse(),
    );
    assert.deepEqual((await page(server, { sort }, backward.at(-1)?.next)).ids, forward[1]?.ids);

    const queries = new Set(server.store.searches.map(({ query }) => JSON.stringify(query)));
    assert.equal(queries.size, 1);
    // Hits are counted once, and pages after the first are within one point in time.
    assert.deepEqual(
      server.store.searches.map(({ trackTotal }) => trackTotal),
      server.store.searches.map((_, i) => (i === 0 ? 10_000 : 0)),
    );
    const [first, ...others] = server.store.searches.map(({ point }) => point);
    assert.deepEqual([first, new Set(others).size, server.store.points.size], [undefined, 1, 1]);
  });
}

test('what is indexed after the second page was asked for moves no row of the pages', async () => {
  const all = documents(14);
  const server = await createTestServer(all);
  const first = await page(server, { sort: 'asc' });
  const second = await page(server, { sort: 'asc' }, first.next);
  all.push(fakeDocument(at(60), '/1.log', 2, 'late'), fakeDocument(at(60), '/2.log', 0, 'late'));
  const third = await page(server, { sort: 'asc' }, second.next);
  assert.deepEqual([third.ids.length, third.next], [4, null]);
  assert.deepEqual((await page(server, { sort: 'asc' }, third.prev)).ids, second.ids);
  assert.ok(![...second.ids, ...third.ids].some((id) => id === '/1.log:2' || id === '/2.log:0'));
});

test('a point that is gone is made again, the page is right, and says so once', async () => {
  const server = await createTestServer(documents(23));
  const first = await page(server, {});
  const second = await page(server, {}, first.next);
  const undisturbed = await page(server, {}, second.next);
  server.store.points.clear();
  const third = await page(server, {}, second.next);
  assert.deepEqual(third.ids, undisturbed.ids);
  assert.deepEqual(
    third.partial.map(({ code }) => code),
    ['point_lost'],
  );
  assert.deepEqual((await page(server, {}, third.next)).partial, []);
});

test('without points in time, pages are right all the same', async () => {
  for (const points_max of [0, 20]) {
    const server = await createTestServer(documents(23), { limits: { ...limits, points_max } });
    server.store.openPoint = () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'too many'));
    const seen: string[] = [];
    let cursor: Cursor | undefined;
    do {
      const found = await page(server, {}, cursor);
      assert.deepEqual(found.partial, []);
      seen.push(...found.ids);
      cursor = found.next;
    } while (cursor);
    assert.equal(new Set(seen).size, 23);
    assert.equal(seen.length, 23);
  }
});

const limits = {
  ...testLimits,
  query_ms_max: 700,
  rows_max: 1_000,
  total_max: 10,
  points_max: 20,
  point_keep_ms: 300_000,
};

test('a search that the store stopped is marked as partial, and bounded by the configured limits', async () => {
  const server = await createTestServer(documents(3), { limits });
  const whole = server.store.search;
  server.store.search = async (request, signal) => ({ ...(await whole(request, signal)), cut: true });
  const { partial, ids } = await page(server, {});
  assert.equal(ids.length, 3);
  assert.match(partial[0]?.message ?? '', /stopped after 700 ms/);
  assert.equal(partial[0]?.code, 'time');
  const [request] = server.store.searches;
  assert.deepEqual([request?.timeMsMax, request?.trackTotal], [700, 10]);
});

test('a page that became empty leads back to the hit it followed', async () => {
  for (const sort of ['asc', 'desc']) {
    const all = documents(10);
    const server = await createTestServer(all);
    const first = await page(server, { sort });
    const left = all.filter(({ id }) => first.ids.includes(id));
    all.splice(0, all.length, ...left);
    const empty = await page(server, { sort }, first.next);
    assert.deepEqual([empty.ids, empty.next], [[], null]);
    assert.deepEqual((await page(server, { sort }, empty.prev)).ids, first.ids);
  }
});

test('a page of no rows has no cursors, and highlights are as asked for', async () => {
  const server = await createTestServer(documents(3));
  const none = await page(server, { size: '0' });
  assert.deepEqual([none.ids, none.next, none.prev, none.total.value], [[], null, null, 3]);
  await page(server, { highlight: 'false' });
  await page(server, { fields: 'host' });
  await page(server, { fields: 'host,highlight' });
  await page(server, { fields: 'message' });
  assert.deepEqual(
    server.store.searches.map(({ highlight }) => highlight),
    [true, false, false, true, true],
  );
});

test('the cursor of another query or a damaged one is refused', async () => {
  const server = await createTestServer(documents(7));
  const { next } = await page(server, {});
  assert.ok(next);
  const other = await server.get(`/api/v1/search?${new URLSearchParams({ q: 'other', cursor: next })}`);
  assert.match(other.body.error.message, /another query/);
  const cursor = `${next.slice(0, -4)}AAAA`;
  const damaged = await server.get(`/api/v1/search?${new URLSearchParams({ q: 'line', cursor })}`);
  assert.deepEqual([damaged.status, damaged.body.error.code], [400, 'QUERY_INVALID']);
});
