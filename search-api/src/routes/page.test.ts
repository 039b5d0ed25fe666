import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import fastify from 'fastify';
import type { Api } from '../server.ts';
import { pageRoutes } from './page.ts';

async function pageOf(t: TestContext, files: Record<string, string | Buffer>) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'assets'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const api = fastify();
  await pageRoutes(api as unknown as Api, folder);
  return (url: string, headers: Record<string, string> = {}) => api.inject({ url, headers });
}

test('the page itself is asked for anew each time, what it loads is kept for ever', async (t) => {
  const get = await pageOf(t, {
    'index.html': '<title>Millrace</title>',
    'assets/index-1a2b.js': 'alert(1)',
    '.stamp': 'x',
  });
  const page = await get('/');
  assert.equal(page.statusCode, 200);
  assert.match(page.body, /<title>Millrace/);
  assert.equal(page.headers['cache-control'], 'no-cache');
  const script = await get('/assets/index-1a2b.js');
  assert.match(String(script.headers['cache-control']), /immutable/);
  assert.equal((await get('/.stamp')).statusCode, 404);
});

test('what was compressed when the page was built is sent as it is', async (t) => {
  const get = await pageOf(t, {
    'index.html': 'x',
    'assets/a.js': 'alert(1)',
    'assets/a.js.br': brotliCompressSync('alert(1)'),
  });
  const script = await get('/assets/a.js', { 'accept-encoding': 'gzip, br' });
  assert.equal(script.headers['content-encoding'], 'br');
  assert.match(String(script.headers['content-type']), /javascript/);
});

test('a page that was not built says how to build it', async (t) => {
  const get = await pageOf(t, {});
  const { statusCode, body } = await get('/');
  assert.equal(statusCode, 404);
  assert.match(body, /web\/build\.ts/);
});
