import { closeSync, openSync, writeSync } from 'node:fs';

/** Deterministic access-log lines in nginx' combined format, about 147 bytes each, every line different. */
export function* accessLogLines(count: number, seed = 42): Generator<string> {
  const next = xorshift(seed);
  const pick = <T>(items: readonly T[]) => items[next() % items.length] as T;
  let timeMs = Date.UTC(2026, 0, 1);
  for (let i = 0; i < count; i++) {
    timeMs += next() % 20;
    const ip = `${10 + (next() % 64)}.${next() % 256}.${next() % 256}.${next() % 256}`;
    const path = pick(paths).replace('%d', () => String(next() % 1_000_000));
    const referrer = pick(referrers).replace('%d', () => String(next() % 65_536));
    const request = `${pick(methods)} ${path} HTTP/1.1`;
    const user = pick(users);
    const size = next() % 131_072;
    yield `${ip} - ${user} [${stamp(timeMs)}] "${request}" ${pick(statuses)} ${size} "${referrer}" "${pick(agents)}"\n`;
  }
}

/** Writes `count` lines to a file and returns its size in bytes. */
export function writeAccessLog(path: string, count: number, seed = 42): number {
  const fd = openSync(path, 'w');
  let size = 0;
  let batch: string[] = [];
  const flush = () => {
    size += writeSync(fd, batch.join(''));
    batch = [];
  };
  for (const line of accessLogLines(count, seed)) {
    batch.push(line);
    if (batch.length === 10_000) flush();
  }
  flush();
  closeSync(fd);
  return size;
}

function repeat<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}

const methods = [...repeat(16, 'GET'), ...repeat(3, 'POST'), 'PUT', 'HEAD'];
const paths = [
  '/',
  '/index.html',
  '/api/v1/users/%d',
  '/api/v1/orders/%d/items',
  '/static/js/app.%d.js',
  '/img/p/%d.webp',
  '/search?q=%d&page=2',
  '/login',
  '/cart/%d',
  '/health',
  '/blog/2026/%d',
];
const statuses = [...repeat(30, 200), ...repeat(4, 304), 301, 302, 404, 404, 403, 500, 502];
const referrers = [
  ...repeat(6, '-'),
  'https://www.example.com/',
  'https://shop.example.com/p/%d',
  'https://www.example.org/',
];
const agents = [
  'curl/8.9.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'kube-probe/1.31',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'python-requests/2.32.3',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36',
  'okhttp/4.12.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148',
];
const users = [...repeat(12, '-'), 'alice', 'bob', 'svc-billing'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

let lastSecond = -1;
let lastStamp = '';

function stamp(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  if (second === lastSecond) return lastStamp;
  const date = new Date(timeMs);
  const day = String(date.getUTCDate()).padStart(2, '0');
  lastSecond = second;
  lastStamp = `${day}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}:${date.toISOString().slice(11, 19)} +0000`;
  return lastStamp;
}

/** xorshift32: small, seeded, good enough for log lines. */
function xorshift(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
