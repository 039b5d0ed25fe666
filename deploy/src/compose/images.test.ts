import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readDockerfile } from './testing/dockerfile.ts';
import { linkPackages, makeImageTree } from './testing/image-tree.ts';

// What the images run, run outside of Docker in folders that have the files of the images, and no others.
const root = fileURLToPath(new URL('../../../', import.meta.url));
const stages = readDockerfile(join(root, 'deploy/images/Dockerfile'));
const work = mkdtempSync(join(tmpdir(), 'millrace-images-'));
after(() => rmSync(work, { recursive: true, force: true }));

/** Runs an image's entry point with these arguments, or another command in it. */
async function inImage(
  target: string,
  args: string[],
  entrypoint?: string[],
  given?: Record<string, string>,
) {
  const stage = stages.get(target);
  assert.ok(stage);
  const folder = join(work, target);
  if (!existsSync(folder)) makeImageTree(root, stages, target, folder);
  const [program, ...rest] = [...(entrypoint ?? stage.entrypoint), ...args];
  const env = {
    ...stage.env,
    NODE_COMPILE_CACHE: join(work, 'compile-cache'),
    MILLRACE_LOGS: '/var/log',
    ...given,
    PATH: dirname(process.execPath),
  };
  const run = promisify(execFile)(program ?? '', rest, { cwd: folder, env });
  const { stdout, stderr } = await run.catch(
    (error: { stdout: string; stderr: string; code: unknown }) => error,
  );
  return { code: run.child.exitCode, text: stdout + stderr };
}

const config = (name: string) => join(root, 'deploy/compose', name);

test('the agent has its files, and takes its configuration', async () => {
  const { code, text } = await inImage('agent', ['check', '--config', config('agent.conf')]);
  assert.equal(code, 0, text);
  assert.match(text, /Kinesis stream millrace in us-east-1, at http:\/\/stream:4567/);
});

for (const program of ['consumer', 'search-api'])
  for (const store of ['opensearch', 'elasticsearch'])
    test(`the ${program} has its files, and takes its configuration for ${store}`, async () => {
      const file = config(`${program}.${store}.json`);
      const { code, text } = await inImage(program, ['check', '--config', file]);
      assert.equal(code, 0, text);
    });

test('a wrong configuration is refused with code 2, also in an image', async () => {
  for (const program of ['consumer', 'search-api']) {
    const { code, text } = await inImage(program, ['check', '--config', config('agent.conf')]);
    assert.equal(code, 2, text);
    assert.match(text, /not JSON/);
  }
});

test('the tools have what the commands need that images are for', async () => {
  const help = await inImage('tools', stages.get('tools')?.cmd ?? []);
  assert.equal(help.code, 0, help.text);
  // Port 9 refuses; so the files and packages for the import are there.
  const { code, text } = await inImage('tools', ['dashboards', 'import', '--url', 'http://127.0.0.1:9']);
  assert.equal(code, 1);
  assert.match(text, /127\.0\.0\.1:9/);
});

test('the tools look after shards, as a task on AWS does: every package for it is there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-images-shards-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'consumer.json');
  const endpoint = 'http://127.0.0.1:9';
  const stream = { name: 's', region: 'us-east-1', endpoint };
  writeFileSync(file, JSON.stringify({ stream, leases: { endpoint } }));
  const args = ['shards', 'auto', '--apply', '--json', '--config', file];
  const keys = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
  const { code, text } = await inImage('tools', args, undefined, keys);
  assert.equal(code, 1);
  assert.match(text, /of (stream s|lease table millrace): .*127\.0\.0\.1:9/);
});

test('the stream is not made without an address, a name and a number', async () => {
  for (const args of [['stream', 'http://127.0.0.1:9', 'millrace', 'x'], ['jars', 'all', '/x'], []]) {
    const { code, text } = await inImage('tools', args, ['node', 'deploy/src/images/main.ts']);
    assert.equal(code, 2, text);
    assert.match(text, /usage: node deploy\/src\/images\/main\.ts/);
  }
});

test('the page is built of what its stage has', async () => {
  const folder = join(work, 'page');
  makeImageTree(root, stages, 'page', folder);
  linkPackages(root, 'search-api', folder, true);
  await promisify(execFile)(process.execPath, ['search-api/web/build.ts'], { cwd: folder });
  assert.ok(existsSync(join(folder, 'search-api/web/dist/index.html')));
});

test('the stand-ins load what they serve with', async () => {
  for (const engine of ['kinesis', 'leases']) {
    const file = `deploy/src/local/engines/${engine}-server.ts`;
    const { code, text } = await inImage('stand-ins', [], ['node', file]);
    assert.equal(code, 1);
    assert.match(text, /usage: \S+ PORT FOLDER/);
  }
});

test('the health check is well only when the right status is answered', async (t) => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/readyz' ? 200 : 403).end('because');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const probe = (...args: string[]) => inImage('agent', args, ['node', 'deploy/src/images/probe.ts']);
  assert.deepEqual(await probe(`${url}/readyz`), { code: 0, text: '' });
  assert.deepEqual(await probe(`${url}/other`), { code: 1, text: '403 because\n' });
  assert.deepEqual(await probe(`${url}/other`, '200', '403'), { code: 0, text: '' });
  server.close();
  server.closeAllConnections();
  assert.equal((await probe(`${url}/readyz`)).code, 1);
});

test('no test, no sample and no build tool is in an image', async () => {
  await inImage('tools', []);
  assert.ok(existsSync(join(work, 'tools/deploy/src/cli/main.ts')));
  const exclude = ['**/node_modules/**'];
  assert.deepEqual(globSync('**/{*.test.ts,testing/*,cases/*}', { cwd: work, exclude }), []);
  for (const name of ['esbuild', 'dclint']) assert.ok(!existsSync(join(work, 'tools/node_modules', name)));
});
