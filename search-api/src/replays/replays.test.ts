import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTestServer } from '../testing/test-server.ts';
import type { Job } from './job.ts';
import { ReplayJobs } from './jobs.ts';
import { type ReplayOutcome, replayProcesses } from './process.ts';

interface Started {
  flags: string[];
  say(progress: Record<string, unknown>): void;
  end(outcome: ReplayOutcome): void;
  stopped: boolean;
}

/** Jobs over processes that a test lets go on and end. */
function jobsIn(stateDir: string, queueMax = 2) {
  const started: Started[] = [];
  const events: string[] = [];
  const jobs = new ReplayJobs({
    stateDir,
    queueMax,
    keptMax: 2,
    clock: systemClock,
    emit: (name) => void events.push(name),
    start(flags, say) {
      const { promise, resolve } = Promise.withResolvers<ReplayOutcome>();
      const process: Started = { flags, say, end: resolve, stopped: false };
      started.push(process);
      const stop = () => {
        process.stopped = true;
        resolve({ error: 'SIGTERM' });
      };
      return { result: promise, stop };
    },
  });
  return { jobs, started, events };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-jobs-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function serverOn(jobs: ReplayJobs | undefined) {
  const { api } = await createTestServer([], {}, undefined, jobs);
  return async (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) => {
    const response = await api.inject({
      method,
      url,
      headers: { host: 'localhost' },
      ...(payload && { payload }),
    });
    return { status: response.statusCode, body: response.json() as Job & { replays: Job[]; error: never } };
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('replays run one after another, with what was asked for as flags', async (t) => {
  const { jobs, started } = jobsIn(folder(t));
  const call = await serverOn(jobs);
  const body = { from: 'now-1d', query: '-a b', tag: ['nginx.*'], rate: '10MB' };
  const first = await call('POST', '/api/v1/replays', body);
  assert.deepEqual([first.status, first.body.state], [202, 'running']);
  const second = await call('POST', '/api/v1/replays', { dry_run: true });
  assert.equal(second.body.state, 'queued');
  assert.deepEqual(started[0]?.flags.slice(0, 4), [
    '--from=2026-11-21T10:30:00.000000000Z',
    '--query=-a b',
    '--tag=nginx.*',
    '--rate=10MB',
  ]);
  started[0]?.say({ type: 'progress', share: 0.5 });
  const seen = await call('GET', `/api/v1/replays/${first.body.id}`);
  assert.deepEqual(seen.body.progress, { type: 'progress', share: 0.5 });
  started[0]?.end({ result: { written: 3 } });
  await settled();
  const { body: list } = await call('GET', '/api/v1/replays');
  assert.deepEqual(
    list.replays.map(({ state, result }) => [state, result]),
    [
      ['running', undefined],
      ['done', { written: 3 }],
    ],
  );
  assert.ok(started[1]?.flags.includes('--dry-run'));
});

test('a replay is cancelled while it waits and while it runs; the next one goes on', async (t) => {
  const { jobs, started } = jobsIn(folder(t));
  const call = await serverOn(jobs);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await call('POST', '/api/v1/replays', {})).body.id);
  assert.equal((await call('POST', '/api/v1/replays', {})).status, 429);
  assert.equal((await call('DELETE', `/api/v1/replays/${ids[1]}`)).body.state, 'cancelled');
  assert.equal((await call('DELETE', `/api/v1/replays/${ids[0]}`)).body.state, 'cancelled');
  assert.equal(started[0]?.stopped, true);
  await settled();
  assert.equal((await call('GET', `/api/v1/replays/${ids[2]}`)).body.state, 'running');
  started[1]?.end({ error: 'the store is gone' });
  await settled();
  const failed = await call('GET', `/api/v1/replays/${ids[2]}`);
  assert.deepEqual([failed.body.state, String(failed.body.error)], ['failed', 'the store is gone']);
});

test('a state that cannot be written refuses a new replay, and neither stops nor keeps up the ones there are', async (t) => {
  const path = folder(t);
  const { jobs, started, events } = jobsIn(path);
  const call = await serverOn(jobs);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await call('POST', '/api/v1/replays', {})).body.id);
  renameSync(path, `${path}.away`);
  t.after(() => existsSync(`${path}.away`) && renameSync(`${path}.away`, path));
  started[0]?.end({ result: { written: 3 } });
  await settled();
  assert.deepEqual([jobs.get(ids[0] ?? '')?.state, jobs.get(ids[1] ?? '')?.state], ['done', 'running']);
  assert.equal((await call('POST', '/api/v1/replays', {})).status, 500);
  assert.equal(jobs.list().length, 3, 'what was refused does not run later');
  assert.equal((await call('DELETE', `/api/v1/replays/${ids[1]}`)).body.state, 'cancelled');
  assert.equal(started[1]?.stopped, true);
  assert.ok(events.includes('replay_unsaved'));
  renameSync(`${path}.away`, path);
  await jobs.close();
});

test('a replay goes on after a restart of the search API, from the same state file', async (t) => {
  const path = folder(t);
  const before = jobsIn(path);
  const call = await serverOn(before.jobs);
  const { id } = (await call('POST', '/api/v1/replays', { host: ['a'] })).body;
  await before.jobs.close();
  assert.equal(before.started[0]?.stopped, true);
  const after = jobsIn(path);
  assert.equal(after.jobs.get(id)?.state, 'running');
  assert.deepEqual(after.started[0]?.flags, before.started[0]?.flags);
});

test('what cannot be carried out is refused at once', async (t) => {
  const { jobs, started } = jobsIn(folder(t));
  const call = await serverOn(jobs);
  for (const body of [
    { query: 'a AND (' },
    { from: 'yesterday' },
    { from: 'now', to: 'now-1h' },
    { nope: 1 },
    { rate: '0' },
  ]) {
    assert.equal((await call('POST', '/api/v1/replays', body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await call('GET', '/api/v1/replays/AAAAAAAAAAAA')).status, 404);
  assert.equal(started.length, 0);
  assert.equal((await (await serverOn(undefined))('POST', '/api/v1/replays', {})).status, 404);
});

test('a replay process tells its progress, its result and its error', async (t) => {
  const program = join(folder(t), 'program.mjs');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(
    program,
    `process.stderr.write('{"type":"progress","share":0.5}\\n');
     if (process.argv.includes('--fail')) { process.stderr.write('no such bucket\\n'); process.exit(1); }
     process.stdout.write(JSON.stringify({ written: 1, args: process.argv.slice(2) }) + '\\n');`,
  );
  const start = replayProcesses(program, 'consumer.json');
  const progress: unknown[] = [];
  const good = await start(['--x'], (line) => progress.push(line)).result;
  assert.deepEqual(good, { result: { written: 1, args: ['replay', '--config', 'consumer.json', '--x'] } });
  assert.deepEqual(progress, [{ type: 'progress', share: 0.5 }]);
  assert.deepEqual(await start(['--fail'], () => {}).result, { error: 'no such bucket' });
});
