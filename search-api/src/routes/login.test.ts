import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestServer } from '../testing/test-server.ts';
import { safePath } from './login.ts';

test('a login leads back to a path of this server and to nothing else', () => {
  for (const path of ['/logs/', '/logs/?q=a%20b#x', '/logs/a/../b?to=//evil', '/logs/%2e%2e/x'])
    assert.ok(safePath(path, '/logs/').startsWith('/logs/'), path);
  assert.equal(safePath('/logs/?q=a%20b#x', '/logs/'), '/logs/?q=a%20b#x');
  const others = [
    undefined,
    '',
    'https://evil.example/logs/',
    '//evil.example/logs/',
    '/\\evil.example',
    '/logs/../../evil',
    '/logs/..//evil.example',
    '/other/',
    '/logs',
    'javascript:alert(1)',
    '/logs\\..\\evil',
  ];
  for (const path of others) assert.equal(safePath(path, '/logs/'), '/logs/', path);
  for (const path of [
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/..//evil.example',
    '/.//evil',
  ])
    assert.ok(!/^\/[/\\]/.test(safePath(path, '/')), path);
});

test('without a provider there is no login', async () => {
  const { get } = await createTestServer();
  for (const url of ['/login', '/callback?code=x']) {
    const { status, body } = await get(url);
    assert.equal(status, 404, url);
    assert.equal(body.error.code, 'NOT_FOUND', url);
  }
});
