import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { buildPage } from '@millrace/deploy/local/page.ts';
import { Containers } from '../harness/containers.ts';
import { root } from '../harness/stack.ts';

// The services of docker-compose.yml as they are written there, but for Docker; those that need no fetched engine.

async function opened(t: TestContext) {
  const logs = mkdtempSync(join(tmpdir(), 'millrace-logs-'));
  chmodSync(logs, 0o755);
  const containers = await Containers.open({ MILLRACE_LOGS: logs });
  t.after(async () => {
    await containers.close();
    rmSync(logs, { recursive: true });
  });
  return { containers, logs };
}

test('the stream is made once, the agent ships into it, drains when it is stopped, and writes nowhere else', async (t) => {
  const { containers, logs } = await opened(t);
  mkdirSync(join(logs, 'shop'));
  writeFileSync(join(logs, 'shop/orders.log'), 'one\ntwo\nthree\n');

  const stream = containers.start('stream');
  await stream.healthy();
  for (const again of [false, true]) {
    const { code, output } = await containers.run('create-stream');
    assert.equal(code, 0, `${again}: ${output}`);
  }

  const agent = containers.start('agent');
  await agent.healthy();
  const { output: user } = await agent.exec('id', '-u');
  assert.equal(user.trim(), '10001');
  for (const path of ['/x', '/opt/millrace/x', '/etc/millrace/x', join(logs, 'x')]) {
    const { code, output } = await agent.exec('touch', path);
    assert.notEqual(code, 0, path);
    assert.match(output, /Read-only file system|Permission denied/);
  }
  // Written just before the end: it is read and acknowledged all the same.
  writeFileSync(join(logs, 'late.log'), 'four\n');
  assert.equal(await agent.stop(), 0, agent.log());
  const files = await shipped(containers);
  assert.deepEqual(files, { [join(logs, 'late.log')]: 0, [join(logs, 'shop/orders.log')]: 0 });
  assert.equal(await stream.stop(), 0, stream.log());
});

/** What a second agent, in the volume of the first, knows of the files: bytes that are not acknowledged. */
async function shipped(containers: Containers): Promise<Record<string, number>> {
  const agent = containers.start('agent');
  await agent.healthy();
  const script = `fetch('http://127.0.0.1:6706/api/v1/files').then((r) => r.text()).then(console.log)`;
  for (let i = 0; i < 100; i++) {
    const { output } = await agent.exec('node', '-e', script);
    const { files } = JSON.parse(output) as { files: { path: string; lag: number }[] };
    if (files.length === 2) {
      assert.equal(await agent.stop(), 0, agent.log());
      return Object.fromEntries(files.map(({ path, lag }) => [path, lag]).sort());
    }
  }
  throw new Error(`the files are not known: ${agent.log()}`);
}

test('the search API answers to its own names while there is no store, and stops when it is told to', async (t) => {
  await buildPage(root);
  const { containers } = await opened(t);
  const api = containers.start('search-api');
  await api.healthy();
  const status = async (...curl: string[]) => (await api.exec('node', '-e', asks, ...curl)).output.trim();
  assert.equal(await status('http://127.0.0.1:6700/healthz', 'localhost:6700'), '200');
  assert.equal(await status('http://127.0.0.1:6700/healthz', 'search-api:6700'), '200');
  assert.equal(await status('http://127.0.0.1:6700/healthz', 'evil.example:6700'), '403');
  assert.equal(await status('http://127.0.0.1:6700/', 'localhost:6700'), '200', 'the page is there');
  const search = await containers.run('tools', ['search', 'x', '--url', 'http://search-api:6700']);
  assert.notEqual(search.code, 0);
  assert.match(search.output, /does not answer/);
  assert.equal(await api.stop(), 0, api.log());
});

/** fetch has no say in the host header. */
const asks = `require('node:http').get(process.argv[1], { headers: { host: process.argv[2] } }, (answer) => {
  console.log(answer.statusCode);
  answer.resume();
});`;
