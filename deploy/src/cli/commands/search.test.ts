import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { MillraceError } from '@millrace/core/errors.ts';
import { parseTime } from '@millrace/core/query/time.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { type CliContext, parseCommand } from '../command.ts';
import { lineOf, search } from './search.ts';

const startMs = Date.UTC(2026, 10, 22, 10, 30);
/** Hits of one page, whatever was asked for. */
const pageMax = 7;

interface Event {
  id: string;
  time: number;
}

/** A search API of these events that keeps time, order, paging and size, and looks at no query. */
async function fakeApi(t: TestContext, events: Event[], clock: { nowMs: number }): Promise<string> {
  const server = createServer((request, response) => {
    const asked = new URL(request.url ?? '', 'http://x').searchParams;
    const ns = (name: string, edge: 'firstNs' | 'lastNs') =>
      parseTime(asked.get(name) ?? 'now+100y', clock.nowMs)[edge] / 1_000_000n;
    const [from, to] = [ns('from', 'firstNs'), ns('to', 'lastNs')];
    assert.ok(from <= to, request.url);
    const sign = asked.get('sort') === 'asc' ? 1 : -1;
    const found = events
      .filter(({ time }) => BigInt(time) >= from && BigInt(time) <= to)
      .sort((a, b) => sign * (a.time - b.time || (a.id < b.id ? -1 : 1)));
    const at = Number(asked.get('cursor') ?? 0);
    const size = Math.min(Number(asked.get('size')), pageMax);
    const hits = found
      .slice(at, at + size)
      .map(({ id, time }) => ({ id, '@timestamp': new Date(time).toISOString(), message: id }));
    const next_cursor = at + size < found.length ? String(at + size) : null;
    response.end(JSON.stringify({ hits, next_cursor }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Run {
  code: number;
  /** Ids in the order in which they were printed. */
  printed: string[];
  stderr: string;
}

/** Runs `search`; each look of --follow comes after the next of `arrivals`, and the run ends with the last one. */
async function run(t: TestContext, args: string[], events: Event[], arrivals: Event[][] = []): Promise<Run> {
  const clock = { nowMs: startMs };
  const end = new MillraceError('DEADLINE', 'the test is over');
  const waiting = [...arrivals];
  let [stdout, stderr] = ['', ''];
  const context: CliContext = {
    root: '/nowhere',
    cwd: '/nowhere',
    env: {},
    clock: {
      ...systemClock,
      now: () => clock.nowMs,
      async sleep() {
        const next = waiting.shift();
        if (next === undefined) throw end;
        clock.nowMs += 1000;
        events.push(...next);
      },
    },
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    tty: false,
  };
  const url = await fakeApi(t, events, clock);
  const parsed = parseCommand(search, ['x', '--url', url, '--json', ...args]);
  const code = await search.run(context, parsed).catch((error: unknown) => {
    if (error !== end) throw error;
    return 0;
  });
  const printed = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => String((JSON.parse(line) as { id: string }).id));
  return { code, printed, stderr };
}

/** `count` events, the last one `agoS` seconds before the start, 100 ms between them. */
function series(name: string, count: number, agoS: number): Event[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${name}${String(i).padStart(3, '0')}`,
    time: startMs - agoS * 1000 - (count - 1 - i) * 100,
  }));
}

const ids = (...events: Event[][]) => events.flat().map(({ id }) => id);

test('the newest events are printed, oldest first, page by page', async (t) => {
  const events = series('a', 40, 5);
  assert.deepEqual((await run(t, ['--limit', '20'], [...events])).printed, ids(events.slice(20)));
  assert.deepEqual((await run(t, [], [...events])).printed, ids(events));
});

test('what arrives is printed once, also late and in bursts', async (t) => {
  const old = series('a', 30, 5);
  const arrivals = [series('b', 20, 0), [], series('c-late', 3, 50), series('d', 1, -1)];
  const { printed } = await run(t, ['--follow'], [...old], arrivals);
  assert.deepEqual(printed, ids(old, ...arrivals));
});

test('what --limit cut off does not come again with --follow', async (t) => {
  const old = series('a', 30, 5);
  const arrivals = [series('b', 2, 0)];
  const { printed } = await run(t, ['--follow', '--limit', '3'], [...old], arrivals);
  assert.deepEqual(printed, ids(old.slice(-3), ...arrivals));
});

test('what is older than --since does not come with --follow', async (t) => {
  const arrivals = [series('b', 2, 0), series('c', 1, -2)];
  const recent = await run(
    t,
    ['--follow', '--since', '10s'],
    [...series('a', 3, 30), ...series('r', 2, 1)],
    arrivals,
  );
  assert.deepEqual(recent.printed, ids(series('r', 2, 1), ...arrivals));
  const nothing = await run(t, ['--follow', '--since', '10s'], series('a', 3, 30), arrivals);
  assert.deepEqual(nothing.printed, ids(...arrivals));
});

test('an event dated in the future does not hide what arrives', async (t) => {
  const future = series('f', 1, -86_400);
  const arrivals = [series('b', 2, 0), series('c', 2, -1)];
  const { printed } = await run(t, ['--follow'], [...future], arrivals);
  assert.deepEqual(printed, ids(future, ...arrivals));
});

test('a port where nobody listens is exit code 3 and a sentence, with nothing on stdout', async (t) => {
  const { code, printed, stderr } = await run(t, ['--url', 'http://127.0.0.1:1'], []);
  assert.equal(code, 3);
  assert.deepEqual(printed, []);
  assert.match(
    stderr,
    /^no search API answers on http:\/\/127\.0\.0\.1:1 \(.+\); \.\/millrace up starts one\n$/,
  );
});

test('control characters of a line do not reach the terminal', () => {
  const hit = { id: 'i', '@timestamp': 't', host: 'h', tag: 'g', message: 'a\u001b]0;title\u0007b\n\tc\r' };
  assert.equal(lineOf(hit), 't h g a\\x1b]0;title\\x07b\n\tc\\x0d\n');
});
