import assert from 'node:assert/strict';
import { endpoint, eventually, type StackUnderTest } from './stack.ts';

export interface Hit {
  id: string;
  '@timestamp': string;
  message: string;
  file: string;
  offset: number;
}

interface Answer {
  total: { value: number; relation: string };
  hits: Hit[];
  next_cursor?: string | null;
}

async function search(
  stack: StackUnderTest,
  query: string,
  parameters: Record<string, string> = {},
): Promise<Answer> {
  const all = { q: query, from: 'now-20y', to: 'now+2d', ...parameters };
  const response = await fetch(`${stack.url}/api/v1/search?${new URLSearchParams(all)}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`search answered ${response.status}: ${text}`);
  return JSON.parse(text) as Answer;
}

/** Every hit, oldest first, page by page. */
export async function allHits(stack: StackUnderTest, query: string): Promise<Hit[]> {
  const hits: Hit[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await search(stack, query, { size: '1000', sort: 'asc', ...(cursor ? { cursor } : {}) });
    hits.push(...page.hits);
    cursor = page.hits.length === 0 ? undefined : page.next_cursor;
  } while (cursor);
  return hits;
}

/** Waits until as many events as `count` have `token` in their message. */
export async function countReaches(
  stack: StackUnderTest,
  token: string,
  count: number,
  seconds: number,
): Promise<void> {
  let last = -1;
  await eventually('all hits', seconds, async () => {
    last = await exactCount(stack, token);
    return last >= count ? last : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${token}: ${last} hits of ${count} within ${seconds} s`, { cause: error });
  });
}

/** The search API counts up to a bound; the store itself counts them all. */
async function exactCount(stack: StackUnderTest, token: string): Promise<number> {
  const { total } = await search(stack, token, { size: '0' });
  if (total.relation === 'eq') return total.value;
  const response = await fetch(`${endpoint(stack, 'opensearch')}/millrace-*-*/_count`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: { match_phrase: { message: token } } }),
  });
  return ((await response.json()) as { count: number }).count;
}

/**
 * Every expected message is there exactly once, nothing else is, no id twice, and hits come in order of
 * (timestamp, file, offset).
 */
export async function assertExactlyOnce(
  stack: StackUnderTest,
  query: string,
  expected: string[],
): Promise<Hit[]> {
  const hits = await allHits(stack, query);
  const counts = new Map<string, number>();
  for (const hit of hits) counts.set(hit.message, (counts.get(hit.message) ?? 0) + 1);
  const missing = expected.filter((message) => !counts.has(message));
  const doubled = [...counts]
    .filter(([, count]) => count > 1)
    .map(([message, count]) => `${count} × ${message}`);
  assert.deepEqual({ missing: missing.slice(0, 5), of: missing.length }, { missing: [], of: 0 });
  assert.deepEqual({ doubled: doubled.slice(0, 5), of: doubled.length }, { doubled: [], of: 0 });
  assert.equal(hits.length, expected.length);
  assert.equal(new Set(hits.map((hit) => hit.id)).size, hits.length);
  for (const [i, hit] of hits.entries()) {
    const before = hits[i - 1];
    if (before === undefined) continue;
    const order = compare(before['@timestamp'], hit['@timestamp']) || compare(before.file, hit.file) || 0;
    assert.ok(order <= 0, `${JSON.stringify(before)} before ${JSON.stringify(hit)}`);
  }
  return hits;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
