import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockOfLines, putRecords } from '../harness/records.ts';
import { endpoint, eventually, millrace, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const stream = `retained_${process.pid}`;
const dayMs = 86_400_000;
const oldMs = Date.now() - 4 * dayMs;
const index = `millrace-${stream}-${new Date(oldMs).toISOString().slice(0, 10).replaceAll('-', '.')}`;

async function rest(method: string, path: string, body?: unknown) {
  const response = await fetch(`${endpoint(stack, 'opensearch')}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    body: (await response.json().catch(() => ({}))) as Record<string, unknown>,
  };
}

async function retention(...more: string[]) {
  const all = ['retention', '--days', '2', '--stream', stream, '--json', ...more, '--data', stack.dataDir];
  const { code, stdout, stderr } = await millrace(...all);
  return { code, stdout, stderr };
}

const marks = async () =>
  Number((await rest('POST', '/millrace_marks/_count', { query: { term: { stream } } })).body.count ?? 0);

test('a day goes only when the archive answers for all of it; then nothing of it is indexed any more', async () => {
  const lines = (name: string) => Array.from({ length: 20 }, (_, i) => `${name} ${i}`);
  const block = blockOfLines(stream, lines('old'), oldMs);
  // The same block twice in the stream: in the archive twice perhaps, in search once.
  await putRecords(stack, [block, block, blockOfLines(stream, lines('new'), Date.now())]);
  await eventually('the marks of all objects', 60, async () => ((await marks()) > 0 ? true : undefined));
  await eventually('the day is there', 30, async () => {
    await rest('POST', `/${index}/_refresh`);
    return Number((await rest('GET', `/${index}/_count`)).body.count) === 20 ? true : undefined;
  });
  const dry = await eventually('all marks are there', 30, async () => {
    const tried = await retention('--dry-run');
    return tried.code === 0 ? tried : undefined;
  });
  assert.match(dry.stdout, new RegExp(`"index":"${index}".*"would delete"`));
  assert.equal((await rest('HEAD', `/${index}`).catch(() => ({ status: 200 }))).status, 200);

  await rest('PUT', `/${index}/_doc/stranger?refresh=true`, { message: 'not of the archive' });
  const more = await retention();
  assert.equal(more.code, 1);
  assert.match(more.stdout, /1 documents more than the archive/);
  await rest('DELETE', `/${index}/_doc/stranger?refresh=true`);

  const found = await rest('POST', `/${index}/_search`, { size: 1 });
  const [hit] = (found.body.hits as { hits: { _id: string; _source: unknown }[] }).hits;
  await rest('DELETE', `/${index}/_doc/${hit?._id}?refresh=true`);
  const fewer = await retention();
  assert.equal(fewer.code, 1);
  assert.match(fewer.stdout, /1 events of the archive are not in it/);
  await rest('PUT', `/${index}/_doc/${hit?._id}?refresh=true`, hit?._source);

  const done = await retention();
  assert.equal(done.code, 0, done.stdout + done.stderr);
  assert.equal((await rest('GET', `/${index}/_count`)).status, 404);

  const before = await marks();
  await putRecords(stack, [blockOfLines(stream, lines('late'), oldMs)]);
  await eventually('the late object has its mark', 60, async () =>
    (await marks()) > before ? true : undefined,
  );
  assert.equal((await rest('GET', `/${index}/_count`)).status, 404, 'archived only');
});
