import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Footer } from '@millrace/core/archive/footer.ts';
import { AgentProcess } from '../harness/agent-process.ts';
import { listKeys, readFooters } from '../harness/archive.ts';
import {
  awsEnvironment,
  clientOptions,
  endpoint,
  eventually,
  millrace,
  root,
  stackUnderTest,
} from '../harness/stack.ts';

const stack = stackUnderTest();
/** A Millrace stream of the test's own: nothing else writes to it. */
const stream = `ledger_${process.pid}`;
const olderThan = '30s';

interface Line {
  type: 'file' | 'gap' | 'in_flight' | 'agent' | 'summary' | 'set_aside';
  [name: string]: unknown;
}

interface Gap {
  cause: string;
  host: string;
  file: string;
  from: number;
  to: number;
  searchable?: number;
  index?: string;
  objects?: string[];
}

async function ledger(...more: string[]): Promise<{ code: number; lines: Line[] }> {
  const args = ['--data', stack.dataDir, '--stream', stream, '--older-than', olderThan, '--json', ...more];
  const { code, stdout, stderr } = await millrace('ledger', ...args);
  assert.ok(code === 0 || code === 1, stderr);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { code, lines: lines.map((line) => JSON.parse(line) as Line) };
}

function startAgent(t: TestContext, host: string, source?: string): AgentProcess {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-ledger-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const system = `host_name ${host}\nheartbeat_interval 10s`;
  const agent = new AgentProcess(dir, endpoint(stack, 'kinesis'), source, `stream ${stream}`, system);
  agent.start();
  t.after(() => agent.kill());
  return agent;
}

const dayMs = 86_400_000;
const day = new Date(Date.now() - 3 * dayMs).toISOString().slice(0, 10);
const dated = (i: number) => `{"time":"${day}T12:00:00Z","n":${i}}\n`;
const jsonSource = '<parse>\n@type json\ntime_key time\ntime_type string\n</parse>';

/** Of each file and part of the ledger: what a gap says that a person looks for. */
function told(lines: Line[]): Record<string, unknown>[] {
  return lines
    .filter(({ type }) => type === 'gap')
    .map((line) => line as unknown as Gap)
    .map(({ cause, host, file, from, to }) => ({ cause, host, file: file?.split('/').at(-1), from, to }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

async function deleteObject(key: string): Promise<void> {
  const s3 = new S3Client({ ...clientOptions, endpoint: endpoint(stack, 's3'), forcePathStyle: true });
  await s3.send(new DeleteObjectCommand({ Bucket: 'millrace', Key: key }));
  s3.destroy();
}

/** The object that covers this file's bytes from `from` to `to`, and only they are in it. */
function objectOf(footers: Map<string, Footer>, host: string, from: number, to: number): string {
  for (const [key, footer] of footers) {
    const all = footer.sources.flatMap(({ host: of, covered }) => covered.map((item) => ({ of, ...item })));
    if (all.length === 1 && all[0]?.of === host && all[0].from === from && all[0].to === to) return key;
  }
  throw new Error(`no object holds ${host} ${from} to ${to} and nothing else`);
}

test('a clean run is 100 %; a lost object, a truncated file, a dropped index and a silent agent are named, and nothing else', async (t) => {
  Object.assign(process.env, awsEnvironment);
  const plain = startAgent(t, 'plain');
  const json = startAgent(t, 'json', jsonSource);
  const files = { plain: join(plain.logs, 'app.txt'), json: join(json.logs, 'dated.txt') };
  const ends = { plain: [0], json: [0] };
  // Three rounds, each an object of its own for each file.
  for (let round = 0; round < 3; round++) {
    for (const name of ['plain', 'json'] as const) {
      const line = (i: number) => (name === 'json' ? dated(i) : `${stream} line ${i}\n`);
      const text = Array.from({ length: 400 }, (_, i) => line(round * 1_000 + i)).join('');
      appendFileSync(files[name], text);
      const size = statSync(files[name]).size;
      ends[name].push(size);
      await eventually(`${name} is archived to ${size}`, 60, async () => {
        const footers = await readFooters(stack, `archive/${stream}/`);
        const covered = [...footers.values()].flatMap(({ sources }) =>
          sources.filter(({ host }) => host === name),
        );
        return covered.some((source) => source.covered.some(({ to }) => to === size)) ? true : undefined;
      });
    }
  }
  const clean = await eventually('all is accounted for', 90, async () => {
    const answer = await ledger();
    const done = answer.code === 0 && answer.lines.every(({ type }) => type !== 'in_flight');
    const known = answer.lines.filter(({ type }) => type === 'file').length === 2;
    return done && known ? answer : undefined;
  });
  for (const line of clean.lines) {
    if (line.type !== 'file') continue;
    assert.deepEqual(line.coverage, { shipped: 100, archived: 100, indexed: 100 }, JSON.stringify(line));
    assert.deepEqual(line.records, { archived: 1_200, indexed: 1_200, set_aside: 0, exact: true });
    assert.equal((line.bytes as { written: number }).written, ends[line.host as 'plain'].at(-1));
  }
  assert.deepEqual(told(clean.lines), []);

  const slow = startAgent(t, 'slow', `read_bytes_limit_per_second 8192\n<parse>\n@type none\n</parse>`);
  const unread = join(slow.logs, 'big.txt');
  writeFileSync(unread, Array.from({ length: 20_000 }, (_, i) => `${stream} unread ${i}\n`).join(''));
  const size = statSync(unread).size;
  await eventually('some of it is archived', 60, async () => {
    const { lines } = await ledger('--host', 'slow');
    const file = lines.find(({ type }) => type === 'file')?.bytes as { archived: number } | undefined;
    return (file?.archived ?? 0) > 0 ? true : undefined;
  });
  const footers = await readFooters(stack, `archive/${stream}/`);
  const [, first = 0, second = 0, end = 0] = ends.plain;
  await deleteObject(objectOf(footers, 'plain', first, second));
  const index = `millrace-${stream}-${day.replaceAll('-', '.')}`;
  await fetch(`${endpoint(stack, 'opensearch')}/${index}`, { method: 'DELETE' });
  truncateSync(unread);
  await plain.kill();
  const begun = performance.now();
  const jsonEnd = ends.json.at(-1) ?? 0;
  const seen = await eventually('every breakage is named', 60, async () => {
    const { lines } = await ledger();
    const destroyed = lines.find(({ cause }) => cause === 'destroyed_unread');
    const silent = lines.some(({ type, state }) => type === 'agent' && state === 'silent');
    const rest = lines.every(({ type }) => type !== 'in_flight');
    return destroyed && silent && rest && told(lines).length >= 3 ? { lines, destroyed } : undefined;
  });
  t.diagnostic(`named after ${Math.round((performance.now() - begun) / 1000)} s`);
  const readTo = Number(seen.destroyed.from);
  const expected = [
    { cause: 'destroyed_unread', host: 'slow', file: 'big.txt', from: readTo, to: size },
    { cause: 'documents_gone', host: 'json', file: 'dated.txt', from: 0, to: jsonEnd },
    { cause: 'object_missing', host: 'plain', file: 'app.txt', from: first, to: second },
  ];
  assert.deepEqual(told(seen.lines), expected);
  assert.ok(readTo > 0 && readTo < size);
  const gaps = seen.lines.filter(({ type }) => type === 'gap') as unknown as Gap[];
  assert.equal(gaps.find(({ cause }) => cause === 'documents_gone')?.index, index);
  assert.equal(
    gaps.find(({ cause }) => cause === 'object_missing')?.searchable,
    400,
    'search has them still',
  );
  const { lines: problems } = await ledger('--no-files');
  assert.deepEqual(told(problems), expected);
  assert.ok(!problems.some(({ type }) => type === 'file'));
  const agents = seen.lines.filter(({ type }) => type === 'agent');
  assert.deepEqual(agents.map(({ host, state }) => [host, state]).sort(), [
    ['json', 'alive'],
    ['plain', 'silent'],
    ['slow', 'alive'],
  ]);
  const archived = seen.lines.find(({ type, host }) => type === 'file' && host === 'slow');
  assert.deepEqual({ ...Object(archived?.bytes) }.archived, readTo, 'what was read is archived');
  assert.equal(end, statSync(files.plain).size);

  // The same over HTTP, and by --watch.
  const query = new URLSearchParams({ stream, older_than: olderThan });
  const response = await fetch(`${stack.url}/api/v1/ledger?${query}`);
  const api = (await response.json()) as { well: boolean; gaps: object[] };
  assert.equal(api.well, false);
  assert.deepEqual(told(api.gaps.map((gap) => ({ ...gap, type: 'gap' }))), expected);
  const watched = await millrace(
    ...['ledger', '--watch', '--data', stack.dataDir, '--stream', stream, '--older-than', olderThan],
  );
  assert.equal(watched.code, 1, watched.stderr);
  assert.match(watched.stdout, /plain .*app\.txt bytes \d+ to \d+ .*an archive object is missing/);

  const port = stack.portBase + 11;
  const flags = ['--data', stack.dataDir, '--stream', stream, '--older-than', olderThan, '--interval', '2s'];
  const watching = spawn(
    process.execPath,
    ['deploy/src/cli/main.ts', 'ledger', '--watch', '--metrics', String(port), ...flags],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = once(watching, 'exit');
  t.after(() => watching.kill('SIGKILL'));
  await eventually('gauges for alarms', 30, async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const all = /gaps\{cause="object_missing"\} 1\n/.test(text) && /ledger_silent_agents 1\n/.test(text);
    return all ? true : undefined;
  });
  watching.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);

  // An object whose documents are gone as well.
  const [, jsonFirst = 0, jsonSecond = 0] = ends.json;
  await deleteObject(objectOf(footers, 'json', jsonFirst, jsonSecond));
  const both = await eventually('both are told apart', 60, async () => {
    const { lines } = await ledger('--host', 'json');
    return told(lines).length === 3 ? lines : undefined;
  });
  assert.deepEqual(told(both), [
    { cause: 'documents_gone', host: 'json', file: 'dated.txt', from: 0, to: jsonFirst },
    { cause: 'documents_gone', host: 'json', file: 'dated.txt', from: jsonSecond, to: jsonEnd },
    { cause: 'object_missing', host: 'json', file: 'dated.txt', from: jsonFirst, to: jsonSecond },
  ]);
  assert.ok((await listKeys(stack, `archive/${stream}/`)).length > 0);
});
