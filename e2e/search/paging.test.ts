import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { loadLines } from '../harness/log-lines.ts';
import {
  forgetStream,
  openStore,
  type SearchEngine,
  searchEngines,
  uniqueStream,
} from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

// Pages over what is still being written: no row twice, none left out, the same way back.
interface Page {
  total: { value: number };
  hits: { id: string; message: string }[];
  next_cursor: string | null;
  prev_cursor: string | null;
  partial: { code: string }[];
}

/** One millisecond for all. */
const capturedMs = Date.now() - 60_000;

for (const engine of searchEngines()) describe(`paging on ${engine.type}`, () => pagingOn(engine));

function pagingOn(engine: SearchEngine): void {
  const streams: string[] = [];
  let server: SearchServer;
  before(async () => {
    server = await startSearchServer(engine, { config: { limits: { points_max: 1 } } });
  });
  after(async () => {
    await server.stop();
    for (const stream of streams) await forgetStream(engine, stream);
  });

  /** Files of lines of one millisecond, and their messages in order of file and offset. */
  async function loaded(files: number, lines: number): Promise<{ stream: string; messages: string[] }> {
    const stream = uniqueStream('paging');
    streams.push(stream);
    const paths = Array.from({ length: files }, (_, i) => `/var/log/${String.fromCharCode(97 + i)}.log`);
    const written = paths.map((path) => Array.from({ length: lines }, (_, i) => `${path} ${i}`));
    const logs = paths.map((path, i) => ({ path, lines: written[i] ?? [], capturedMs }));
    await loadLines(engine, stream, logs.toReversed());
    return { stream, messages: written.flat() };
  }

  async function page(parameters: Record<string, string>, cursor?: string | null): Promise<Page> {
    const all = new URLSearchParams({ from: '*', ...parameters, ...(cursor ? { cursor } : {}) });
    const response = await fetch(`${server.url}/api/v1/search?${all}`);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Page;
  }

  const messagesOf = (pages: Page[]) => pages.flatMap(({ hits }) => hits.map(({ message }) => message));

  for (const sort of ['asc', 'desc']) {
    it(`gives thousands of lines of one millisecond once each, in order, and back, while more are indexed: ${sort}`, async () => {
      const { stream, messages } = await loaded(5, 500);
      const expected = sort === 'asc' ? messages : messages.toReversed();
      const query = { stream, sort, size: '333' };
      const first = await page(query);
      const forward = [first, await page(query, first.next_cursor)];
      for (;;) {
        const late = Array.from({ length: 50 }, (_, i) => `late ${i}`);
        await loadLines(engine, stream, [{ path: '/var/log/c.log', lines: late, capturedMs }]);
        const { next_cursor: next = null } = forward.at(-1) ?? {};
        if (next === null) break;
        forward.push(await page(query, next));
      }
      assert.deepEqual(messagesOf(forward), expected);
      const backward: Page[] = [];
      for (
        let prev = forward.at(-1)?.prev_cursor ?? null;
        prev !== null;
        prev = backward.at(-1)?.prev_cursor ?? null
      )
        backward.push(await page(query, prev));
      assert.deepEqual(
        backward.map((one) => messagesOf([one])),
        forward
          .slice(0, -1)
          .map((one) => messagesOf([one]))
          .reverse(),
      );
      assert.ok([...forward, ...backward].every(({ partial }) => partial.length === 0));
      assert.ok([...forward, ...backward].every(({ total }) => total.value === messages.length));
      assert.ok((await page(query)).total.value > messages.length, 'a new first page has the late lines');
    });
  }

  it('goes on where it was when its point in time was closed for another, and says so', async () => {
    const { stream, messages } = await loaded(2, 50);
    const query = { stream, sort: 'asc', size: '25' };
    const first = await page(query);
    const second = await page(query, first.next_cursor);
    const other = await page({ ...query, q: '0' });
    await page(
      { ...query, q: 'log', size: '1' },
      (await page({ ...query, q: 'log', size: '1' })).next_cursor,
    );
    assert.equal(other.next_cursor, null);
    const third = await page(query, second.next_cursor);
    assert.deepEqual(messagesOf([first, second, third]), messages.slice(0, 75));
    assert.deepEqual(
      third.partial.map(({ code }) => code),
      ['point_lost'],
    );
    const fourth = await page(query, third.next_cursor);
    assert.deepEqual([messagesOf([fourth]), fourth.partial], [messages.slice(75), []]);
  });

  it('goes on when an index of its point in time was deleted', async () => {
    const { stream } = await loaded(1, 60);
    const day = 86_400_000;
    const before = Array.from({ length: 20 }, (_, i) => `before ${i}`);
    await loadLines(engine, stream, [{ lines: before, capturedMs: capturedMs - 2 * day }]);
    const query = { stream, size: '30' };
    const second = await page(query, (await page(query)).next_cursor);
    const store = await openStore(engine);
    const date = new Date(capturedMs).toISOString().slice(0, 10).replaceAll('-', '.');
    await store.deleteIndex(`millrace-${stream}-${date}`);
    await store.close();
    const third = await page(query, second.next_cursor);
    assert.deepEqual(messagesOf([third]), before.toReversed());
    assert.deepEqual(
      third.partial.map(({ code }) => code),
      ['point_lost'],
    );
  });
}
