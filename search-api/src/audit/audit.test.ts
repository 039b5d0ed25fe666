import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { unlimitedAccess } from '../access/access.ts';
import { fakeDocument } from '../testing/fake-store.ts';
import { createTestServer, testNowMs } from '../testing/test-server.ts';
import { AuditFile } from './file.ts';

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('who asked what is written down, also what was refused, and no more', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'millrace-audit-')), 'audit.log');
  const file = new AuditFile(path, () => {});
  const at = new Date(testNowMs).toISOString();
  const { api, get, asker } = await createTestServer(
    [fakeDocument(at, '/a', 0, 'x')],
    {},
    undefined,
    undefined,
    undefined,
    { auditFile: file },
  );
  await get('/api/v1/search?q=card&from=now-1h&cursor=x');
  await get('/api/v1/search?q=card&from=now-1h&source=hot');
  asker.access = { ...asker.access, subject: 'key:shop', scopes: new Set() };
  await api.inject({
    method: 'POST',
    url: '/api/v1/replays',
    headers: { host: 'localhost', authorization: 'Bearer mr_x_secret' },
    payload: { query: 'secret' },
  });
  await get('/healthz');
  await api.inject({ method: 'POST', url: '/api/v1/saved', headers: { host: 'evil.example' } });
  asker.access = unlimitedAccess('key:all');
  await get('/api/v1/export?from=now-1h&source=hot&format=ndjson');
  await file.close();
  const lines = linesOf(path);
  assert.equal(lines.length, 5);
  const [refused, found, forbidden, foreign, exported] = lines;
  assert.deepEqual([foreign.subject, foreign.status], ['nobody', 403]);
  assert.deepEqual([exported.rows, exported.format], [1, 'ndjson']);
  assert.equal(refused.status, 400);
  const { took_ms: took, bytes, ...rest } = found;
  assert.ok(took >= 0 && bytes >= 0);
  assert.deepEqual(rest, {
    time: at,
    subject: 'loopback',
    ip: '127.0.0.1',
    method: 'GET',
    route: '/api/v1/search',
    q: 'card',
    from: 'now-1h',
    to: '*',
    source: 'hot',
    status: 200,
    rows: 1,
  });
  assert.deepEqual(
    [forbidden.subject, forbidden.status, forbidden.route],
    ['key:shop', 403, '/api/v1/replays'],
  );
  assert.doesNotMatch(JSON.stringify(lines), /secret/);
});

test('a file that is renamed loses no line, and only its owner reads it', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'millrace-audit-')), 'audit.log');
  const file = new AuditFile(path, () => {});
  file.write({ n: 1 });
  await file.close();
  renameSync(path, `${path}.1`);
  file.write({ n: 2 });
  file.write({ n: 3 });
  await file.close();
  assert.deepEqual(linesOf(`${path}.1`), [{ n: 1 }]);
  assert.deepEqual(linesOf(path), [{ n: 2 }, { n: 3 }]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('lines that cannot be written are counted, within a bound', async () => {
  const missing: Record<string, unknown>[] = [];
  const file = new AuditFile('/nowhere/at/all/audit.log', (_event, fields) => missing.push(fields ?? {}));
  for (let n = 0; n < 10_050; n++) file.write({ n });
  await file.close();
  assert.equal(
    missing.reduce((sum, { lines }) => sum + Number(lines), 0),
    10_050,
  );
});
