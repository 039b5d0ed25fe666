import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from '../harness/archive.ts';
import { allHits, assertExactlyOnce, countReaches } from '../harness/search.ts';
import { awsEnvironment, endpoint, eventually, millrace, root, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const token = `replayed${process.pid}`;
const lines = Array.from({ length: 20_000 }, (_, i) => `${token} line ${i}`);
const dir = mkdtempSync(join(tmpdir(), 'millrace-replay-'));
const file = join(stack.logs, 'replay', 'app.log');
const mine = ['--data', stack.dataDir, '--file', file];

interface Result {
  events: number;
  written: number;
  existing: number;
}

async function replay(...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await millrace('replay', ...mine, '--json', ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Result;
}

/** Takes the file's events out of search, as if their index had been lost. */
async function forget(): Promise<void> {
  const query = { term: { 'log.file.path': file } };
  await fetch(`${endpoint(stack, 'opensearch')}/millrace-logs-*/_refresh`, { method: 'POST' });
  const url = `${endpoint(stack, 'opensearch')}/millrace-logs-*/_delete_by_query?refresh=true&conflicts=proceed`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  assert.equal(((await response.json()) as { deleted: number }).deleted, lines.length);
}

test('lines are in search and archived', async () => {
  mkdirSync(join(stack.logs, 'replay'));
  // In blocks of their own, as a rate is kept between two of them.
  for (let i = 0; i < lines.length; i += 2_000) {
    appendFileSync(file, `${lines.slice(i, i + 2_000).join('\n')}\n`);
    await delay(1_200);
  }
  await countReaches(stack, token, lines.length, 180);
  await eventually('the file is archived', 180, async () => {
    const [found] = await readArchive(stack, (path) => path === file);
    return found?.bytes.equals(readFileSync(file)) ? true : undefined;
  });
});

after(() => rmSync(dir, { recursive: true }));

test('what is in search already is written 0 times; what was lost is written once, the same as before', async () => {
  const there = await replay();
  assert.deepEqual([there.events, there.written, there.existing], [lines.length, 0, lines.length]);
  const before = await allHits(stack, token);
  await forget();
  const lost = await replay();
  assert.deepEqual([lost.written, lost.existing], [lines.length, 0]);
  await countReaches(stack, token, lines.length, 30);
  const now = await assertExactlyOnce(stack, token, lines);
  // One at a time: the difference of two long lists takes minutes to be told. When it was indexed may differ.
  const lasting = (hit: object | undefined) => ({ ...hit, 'event.ingested': undefined });
  for (const [i, hit] of now.entries()) assert.deepEqual(lasting(hit), lasting(before[i]));
});

test('a replay that is killed goes on where it was, and ends with every event once', async () => {
  await forget();
  const state = join(dir, 'state.jsonl');
  const config = join(stack.dataDir, 'consumer', 'consumer.json');
  const program = join(root, 'consumer/src/main.ts');
  const args = [
    'replay',
    '--config',
    config,
    '--file',
    file,
    '--state',
    state,
    '--progress',
    'json',
    '--rate',
    '4000',
  ];
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...awsEnvironment } });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (data) => {
    said += String(data);
  });
  await eventually('some events', 60, async () => (/"events":[1-9]/.test(said) ? true : undefined));
  child.kill('SIGKILL');
  assert.deepEqual(await exited, [null, 'SIGKILL'], 'it was not through yet');
  const { written, existing } = await replay('--state', state);
  assert.equal(written + existing, lines.length);
  await countReaches(stack, token, lines.length, 30);
  await assertExactlyOnce(stack, token, lines);
});

test('a query selects what is replayed to stdout, and raw bytes are those of the file', async () => {
  const found = await millrace('replay', ...mine, '--target', 'stdout', '--query', '"line 77"');
  const [line, ...more] = found.stdout.trim().split('\n');
  assert.deepEqual([(JSON.parse(line ?? '') as { message: string }).message, more], [`${token} line 77`, []]);
  const raw = await millrace('replay', ...mine, '--target', 'stdout', '--raw');
  // In the archive's order, which is that of arrival in two shards.
  const sorted = (text: string) => text.split('\n').sort();
  assert.equal(sorted(raw.stdout).join('\n') === sorted(readFileSync(file, 'utf8')).join('\n'), true);
});

test('replayed through the stream, every event is in search once', async () => {
  await forget();
  const { written } = await replay('--to-stream', 'millrace', '--query', token);
  assert.equal(written, lines.length);
  await countReaches(stack, token, lines.length, 120);
  await assertExactlyOnce(stack, token, lines);
});

test('a drop takes events out of search and out of the archive’s readers, until it is withdrawn', async () => {
  const config = join(dir, 'drop.json');
  writeFileSync(config, JSON.stringify({ reason: 'test', select: { file }, drop: true }));
  const made = await eventually('all objects are marked', 60, async () => {
    const answer = await millrace('replay', '--data', stack.dataDir, '--correct', config);
    return answer.code === 0 && !answer.stderr.includes('left out') ? answer : undefined;
  });
  const name = /correction (logs\/\d+):/.exec(made.stderr)?.[1] ?? '';
  await eventually('nothing is found', 30, async () =>
    (await allHits(stack, token)).length === 0 ? true : undefined,
  );
  assert.equal((await replay('--dry-run')).events, 0);
  assert.equal((await replay()).written, 0);
  const withdrawn = await millrace('corrections', 'withdraw', name, '--data', stack.dataDir);
  assert.equal(withdrawn.code, 0, withdrawn.stderr);
  await countReaches(stack, token, lines.length, 30);
  await assertExactlyOnce(stack, token, lines);
});

test('a replay through the search API runs beside searches, and tells how it ended', async () => {
  await forget();
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ file: [file] });
  const posted = await fetch(`${stack.url}/api/v1/replays`, { method: 'POST', headers, body });
  assert.equal(posted.status, 202);
  const { id } = (await posted.json()) as { id: string };
  const job = await eventually('the job is done', 60, async () => {
    const seen = await fetch(`${stack.url}/api/v1/replays/${id}`);
    const told = (await seen.json()) as { state: string; result?: Result; error?: string };
    return told.state === 'done' || told.state === 'failed' ? told : undefined;
  });
  assert.deepEqual([job.state, job.result?.written, job.error], ['done', lines.length, undefined]);
  await countReaches(stack, token, lines.length, 30);
});
