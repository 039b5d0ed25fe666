import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { parseTime } from '@millrace/core/query/time.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { type CliContext, parseCommand } from '../command.ts';
import { search } from './search.ts';

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

/** Runs `search` to its end. */
async function run(t: TestContext, args: string[], events: Event[]): Promise<Run> {
  const clock = { nowMs: startMs };
  let [stdout, stderr] = ['', ''];
  const context: CliContext = {
    root: '/nowhere',
    cwd: '/nowhere',
    env: {},
    clock: { ...systemClock, now: () => clock.nowMs },
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    write: async () => {},
    tty: false,
  };
  const url = await fakeApi(t, events, clock);
  const parsed = parseCommand(search, ['x', '--url', url, '--json', ...args]);
  const code = await search.run(context, parsed);
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

const ids = (events: Event[]) => events.map(({ id }) => id);

test('the newest events are printed, oldest first, page by page', async (t) => {
  const events = series('a', 40, 5);
  assert.deepEqual((await run(t, ['--limit', '20'], [...events])).printed, ids(events.slice(20)));
  assert.deepEqual((await run(t, [], [...events])).printed, ids(events));
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
