import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { type CliContext, type Command, parseCommand } from '../command.ts';
import { search } from '../commands/search.ts';
import { tail } from '../commands/tail.ts';

const nowMs = Date.UTC(2026, 10, 22, 10, 30);
const hit = (id: string, agoS = 0) => ({
  id,
  '@timestamp': new Date(nowMs - agoS * 1000).toISOString(),
  message: id,
});

interface Connection {
  /** Events of the connection: name, data; each has its cursor. After the last one it breaks. */
  events: [name: string, data: object][];
}

/** A search API that answers a search with `found`, and each connection of a tail with the next of `connections`. */
async function fakeApi(t: TestContext, found: object[], connections: Connection[]) {
  const asked: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    if (pathname.endsWith('/search')) {
      response.end(JSON.stringify({ hits: [...found].reverse(), next_cursor: null, partial: [] }));
      return;
    }
    asked.push(searchParams);
    const connection = connections.shift();
    if (connection === undefined) {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { code: 'FORBIDDEN', message: 'the test is over' } }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [i, [name, data]] of connection.events.entries())
      response.write(`id: ${asked.length}.${i}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function run(command: Command, args: string[]) {
  let [stdout, stderr] = ['', ''];
  const context: CliContext = {
    root: '/nowhere',
    cwd: '/nowhere',
    env: {},
    clock: { ...systemClock, now: () => nowMs, sleep: async () => {} },
    stdout: (text) => {
      stdout += text;
    },
    write: async () => {},
    stderr: (text) => {
      stderr += text;
    },
    tty: false,
  };
  await assert.rejects(command.run(context, parseCommand(command, ['--json', ...args])), /the test is over/);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { ids: lines.map((line) => (JSON.parse(line) as { id: string }).id), stderr };
}

const live: [string, object] = ['state', { phase: 'live', store: 'ok' }];
const joining: [string, object] = ['state', { phase: 'joining', store: 'ok' }];

test('a tail prints what arrives, and goes on where it was when the connection breaks', async (t) => {
  const { url, asked } = await fakeApi(
    t,
    [],
    [
      { events: [joining, live, ['hits', { hits: [hit('a'), hit('b')] }]] },
      { events: [live, ['hits', { hits: [hit('c')] }]] },
    ],
  );
  const { ids, stderr } = await run(tail, ['level:error', '--url', url, '--since', 'now-5m', '--rate', '9']);
  assert.deepEqual(ids, ['a', 'b', 'c']);
  assert.deepEqual(
    asked.map((parameters) => parameters.get('since')),
    ['now-5m', '1.2', '2.1'],
  );
  assert.equal(asked[0]?.get('q'), 'level:error');
  assert.equal(asked[0]?.get('rate'), '9');
  assert.match(stderr, /^the connection is lost/);
});

test('a tail says what was left out, and what is wrong on the server', async (t) => {
  const skipped = { count: 120, reason: 'slow', from: 'f', to: 't' };
  const { url } = await fakeApi(
    t,
    [],
    [
      {
        events: [
          live,
          ['skipped', skipped],
          ['error', { code: 'STORE_UNAVAILABLE', message: 'the store does not answer' }],
        ],
      },
    ],
  );
  const { stderr } = await run(tail, ['--url', url]);
  assert.match(stderr, /^120 events left out \(slow\), from f to t\nthe store does not answer; /);
});

test('--follow prints what was found and goes on with what arrives, each event once', async (t) => {
  const found = [hit('a', 40), hit('b', 30)];
  const { url } = await fakeApi(t, found, [
    {
      events: [
        joining,
        ['hits', { hits: [hit('b', 30), hit('c', 5)] }],
        live,
        ['hits', { hits: [hit('late', 4000), hit('d')] }],
      ],
    },
  ]);
  const { ids } = await run(search, ['x', '--url', url, '--follow']);
  assert.deepEqual(ids, ['a', 'b', 'c', 'late', 'd']);
});

test('what --limit and --since left out does not come by --follow', async (t) => {
  const catchUp: [string, object] = ['hits', { hits: [hit('cut', 31), hit('older', 1000), hit('c', 5)] }];
  const connection = { events: [joining, catchUp, live] };
  const limited = await fakeApi(t, [hit('b', 30)], [connection]);
  assert.deepEqual((await run(search, ['x', '--url', limited.url, '--follow', '--limit', '1'])).ids, [
    'b',
    'c',
  ]);
  const since = await fakeApi(t, [hit('b', 30)], [connection]);
  assert.deepEqual((await run(search, ['x', '--url', since.url, '--follow', '--since', '15m'])).ids, [
    'b',
    'cut',
    'c',
  ]);
});
