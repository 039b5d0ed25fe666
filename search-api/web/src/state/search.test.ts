import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { refusal, server } from '../api/fake-browser.ts';

const search = await import('./search.ts');
const { view } = await import('./view.ts');
const { usualView } = await import('./address.ts');

const hit = (i: number, more = {}) =>
  `${JSON.stringify({ hit: { id: `e${i}`, '@timestamp': new Date(1e12 - i * 1000).toISOString(), message: `m${i}`, ...more } })}\n`;
const hits = (from: number, count: number) => Array.from({ length: count }, (_, i) => hit(from + i)).join('');
const end = '{"end":{"hits":1,"took_ms":1,"partial":[]}}\n';

async function run(q = ''): Promise<void> {
  view.value = { ...usualView, q };
  search.runSearch();
  await ended();
}

async function ended(): Promise<void> {
  do await turn();
  while (search.busy.peek());
}

beforeEach(() => {
  server.asked.length = 0;
});

test('rows of a query that names fields have an empty message', async () => {
  server.answer = () =>
    new Response(`{"hit":{"id":"a","@timestamp":"2026-01-01T00:00:00Z","host":"h"}}\n${end}`);
  await run('* | fields host');
  assert.equal(search.rows.hits[0]?.message, '');
});

test('what stages sorted or counted off is asked for at once and not read on', async () => {
  server.answer = () => new Response(hits(0, 500) + end);
  for (const q of ['* | sort -ms', '* | head 500']) {
    await run(q);
    search.loadMore();
    await ended();
  }
  assert.deepEqual(
    server.asked.map((url) => url.searchParams.get('limit')),
    ['10000', '10000'],
  );
  assert.equal(search.rowCount.value, 500);
  assert.equal(search.complete.value, true);
});

test('a stage that turns the order around is read on in that order', async () => {
  server.answer = () => new Response(hits(0, 500) + end);
  await run('* | sort @timestamp');
  const last = search.rows.hits.at(-1)?.['@timestamp'];
  search.loadMore();
  await ended();
  assert.equal(server.asked[1]?.searchParams.get('from'), last);
  assert.equal(server.asked[1]?.searchParams.get('to'), '*');
});

test('what fails while it is read on leaves the rows, and does not say that they are all', async () => {
  server.answer = (url) =>
    url.searchParams.get('limit') === '500' ? new Response(hits(0, 500) + end) : refusal(429, 'BUSY');
  await run();
  search.loadMore();
  await ended();
  assert.equal(search.problem.value?.code, 'BUSY');
  assert.equal(search.stale.value, false);
  assert.equal(search.complete.value, false);
  search.loadMore();
  assert.equal(server.asked.length, 2, 'it is not asked again by itself');
});

test('an answer without its last line is the part that came', async () => {
  for (const [text, count] of [
    [hits(0, 3), 3],
    [`${hits(0, 3)}{"hit":{"id`, 3],
  ] as const) {
    server.answer = () => new Response(text);
    await run();
    assert.equal(search.rowCount.value, count);
    assert.equal(search.problem.value?.code, 'OFFLINE');
    assert.equal(search.complete.value, false);
    assert.equal(search.busy.value, false);
  }
});

test('a connection that breaks in the middle is told', async () => {
  const broken = () => {
    let sent = false;
    return new ReadableStream({
      pull(controller) {
        if (sent) controller.error(new TypeError('network error'));
        else controller.enqueue(new TextEncoder().encode(hits(0, 3)));
        sent = true;
      },
    });
  };
  server.answer = () => new Response(broken());
  await run();
  assert.equal(search.rowCount.value, 3);
  assert.equal(search.problem.value?.code, 'OFFLINE');
});

test('one refused question does not end streaming for the next', async () => {
  server.answer = () => refusal(403, 'FORBIDDEN');
  await run('card:1');
  assert.equal(search.problem.value?.code, 'FORBIDDEN');
  server.answer = () => new Response(hits(0, 1) + end);
  await run();
  assert.deepEqual(
    server.asked.map((url) => url.pathname),
    ['/api/v1/search/stream', '/api/v1/search/stream'],
  );
  assert.equal(search.problem.value, undefined);
});

test('reading on to the end stops with the search, and with another question', async () => {
  let send: (() => void) | undefined;
  const slow = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(hits(500, 10)));
        send = () => controller.close();
      },
    });
  server.answer = (url) =>
    new Response(url.searchParams.get('limit') === '500' ? hits(0, 500) + end : slow());
  for (const stop of [search.stopSearch, search.runSearch]) {
    await run();
    const more = search.readMore();
    while (search.rowCount.peek() < 510) await turn();
    stop();
    assert.equal(await more, false);
    await ended();
    send?.();
  }
});

test('rows of huge messages stop before they fill the memory', async (t) => {
  const { messageChars } = search.bounds;
  t.after(() => {
    search.bounds.messageChars = messageChars;
  });
  search.bounds.messageChars = 40_000;
  let sent = 0;
  const stream = () =>
    new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(hit(sent++, { message: 'x'.repeat(10_000) })));
      },
    });
  server.answer = () => new Response(stream());
  await run();
  assert.equal(search.full.value, true);
  assert.ok(search.rowCount.value < 10, `${search.rowCount.value}`);
  assert.equal(search.problem.value, undefined);
});
