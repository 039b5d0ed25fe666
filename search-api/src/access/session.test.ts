import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { memoryObjects } from '@millrace/core/testing/memory-objects.ts';
import { createTestServer, testHttp, testNowMs } from '../testing/test-server.ts';
import { closedGate } from './gate.ts';
import { KeyBook } from './key-book.ts';
import { isCsrfToken, readSessionKeys, Seals, Sessions } from './session.ts';

const time = { nowMs: testNowMs };
const clock = { ...systemClock, now: () => time.nowMs };
const times = { idleMs: 3_600_000, absoluteMs: 7_200_000 };
const sessionsOf = (...keys: Uint8Array[]) => new Sessions(new Seals(keys, clock), clock, times);

test('a session is read by who has its key, unaltered, and for nothing else', async () => {
  const [one, two] = [clock.bytes(32), clock.bytes(32)];
  const text = await sessionsOf(one).start('user:ann', 'admins');
  assert.equal((await sessionsOf(one).read(text))?.subject, 'user:ann');
  assert.equal((await sessionsOf(two, one).read(text))?.role, 'admins');
  assert.equal(await sessionsOf(two).read(text), undefined);
  assert.equal(await sessionsOf().read(text), undefined);
  for (let at = 0; at < text.length; at += 7) {
    const other = text[at] === 'A' ? 'B' : 'A';
    const altered = text.slice(0, at) + other + text.slice(at + 1);
    if (text[at] !== '.') assert.equal(await sessionsOf(one).read(altered), undefined, `at ${at}`);
  }
  assert.equal(await new Seals([one], clock).open('login', text), undefined);
  for (const forged of ['', 'x', 'a.b.c', `${btoa('{"alg":"none"}')}.${btoa('{"sub":"x"}')}.`, `${text}.`])
    assert.equal(await sessionsOf(one).read(forged), undefined, forged);
  assert.doesNotMatch(text, /ann|admins/);
});

test('a session ends when it was not used, and in any case', async () => {
  const sessions = sessionsOf(clock.bytes(32));
  let text = await sessions.start('user:ann', 'admins');
  time.nowMs += times.idleMs + 1000;
  assert.equal(await sessions.read(text), undefined);
  time.nowMs = testNowMs;
  for (let used = 0; used < 3; used++) {
    time.nowMs += times.idleMs / 2;
    const session = await sessions.read(text);
    assert.ok(session, `used ${used}`);
    text = (await sessions.renewed(session)) ?? assert.fail('not renewed');
    assert.equal(await sessions.renewed({ ...session, seenMs: time.nowMs - 1000 }), undefined);
  }
  time.nowMs += times.idleMs / 2 + 1000;
  assert.equal(await sessions.read(text), undefined);
  time.nowMs = testNowMs;
});

test('a session key file has 32 bytes, or the server says how to make one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-session-'));
  const file = join(folder, 'key');
  writeFileSync(file, `${Buffer.alloc(32, 7).toString('base64')}\n`);
  assert.deepEqual(readSessionKeys([file]), [Buffer.alloc(32, 7)]);
  writeFileSync(file, 'short');
  assert.throws(() => readSessionKeys([file]), /has 32 bytes, this has 3/);
  assert.throws(() => readSessionKeys([join(folder, 'none')]), /ENOENT/);
});

async function loggedIn(http: Partial<typeof testHttp> = {}) {
  const sessions = sessionsOf(clock.bytes(32));
  const keys = new KeyBook({ configured: [], cabinet: memoryObjects(), clock, cacheMs: 1000 });
  const all = { tags: [], hosts: [], streams: [], redact: [] };
  const roles = [
    { value: 'readers', scopes: ['search' as const], ...all },
    { value: 'admins', scopes: ['search' as const, 'admin' as const], ...all },
  ];
  const gate = closedGate({ keys, sessions, roles, cookie: 'millrace_session' });
  const { api } = await createTestServer(
    [],
    { http: { ...testHttp, ...http } },
    undefined,
    undefined,
    undefined,
    { gate },
  );
  const cookie = async (role: string) => `millrace_session=${await sessions.start('user:ann', role)}`;
  const ask = async (
    headers: Record<string, string>,
    method: 'GET' | 'POST' | 'DELETE' = 'GET',
    url = '/api/v1/me',
    payload?: object,
  ) => {
    const answer = await api.inject({
      method,
      url,
      headers: { host: 'localhost', ...headers },
      ...(payload && { payload }),
    });
    return { status: answer.statusCode, body: answer.json(), cookies: answer.cookies };
  };
  return { ask, cookie };
}

test('a session may what its role may, also when the role has changed or is gone', async () => {
  const { ask, cookie } = await loggedIn();
  const me = await ask({ cookie: await cookie('readers') });
  assert.deepEqual([me.body.subject, me.body.scopes, me.body.logout], ['user:ann', ['search'], '/logout']);
  assert.equal((await ask({ cookie: await cookie('readers') }, 'GET', '/api/v1/keys')).status, 403);
  assert.equal((await ask({ cookie: await cookie('admins') }, 'GET', '/api/v1/keys')).status, 200);
  assert.equal((await ask({ cookie: await cookie('gone') }, 'GET', '/api/v1/keys')).status, 401);
  assert.equal((await ask({ cookie: await cookie('gone') })).body.subject, null);
});

test('a session changes something only with its token, and from its own page', async () => {
  const { ask, cookie } = await loggedIn({ public_url: 'https://logs.example.com' });
  const mine = await cookie('admins');
  const { csrf } = (await ask({ cookie: mine })).body;
  const make = (headers: Record<string, string>) =>
    ask({ cookie: mine, ...headers }, 'POST', '/api/v1/keys', { name: 'x', scopes: ['search'] });
  assert.equal((await make({ 'x-millrace-csrf': csrf })).status, 201);
  assert.equal((await make({ 'x-millrace-csrf': csrf, origin: 'https://logs.example.com' })).status, 201);
  assert.equal((await make({ 'x-millrace-csrf': csrf, origin: 'http://localhost' })).status, 201);
  const others = (await ask({ cookie: await cookie('admins') })).body.csrf;
  for (const headers of [
    {},
    { 'x-millrace-csrf': '' },
    { 'x-millrace-csrf': others },
    { 'x-millrace-csrf': csrf, origin: 'https://evil.example' },
    { 'x-millrace-csrf': csrf, origin: 'null' },
    { 'x-millrace-csrf': csrf, origin: 'https://logs.example.com.evil.example' },
    { 'x-millrace-csrf': csrf, 'sec-fetch-site': 'cross-site' },
  ])
    assert.equal((await make(headers as Record<string, string>)).status, 403, JSON.stringify(headers));
  assert.equal((await ask({ cookie: mine }, 'POST', '/logout')).status, 403);
  const out = await ask({ cookie: mine, 'x-millrace-csrf': csrf }, 'POST', '/logout');
  assert.equal(out.status, 200);
  assert.equal(out.cookies[0]?.value, '');
  assert.ok(!isCsrfToken({ subject: '', role: '', csrf, startedMs: 0, seenMs: 0 }, undefined));
});

test('a session that is in use gets a new cookie, for this server alone', async () => {
  const { ask, cookie } = await loggedIn({ public_url: 'https://logs.example.com', base_path: '/logs' });
  const mine = await cookie('readers');
  assert.deepEqual((await ask({ cookie: mine })).cookies, []);
  time.nowMs += 120_000;
  const [renewed] = (await ask({ cookie: mine })).cookies as unknown as Record<string, unknown>[];
  time.nowMs = testNowMs;
  assert.equal(renewed?.name, 'millrace_session');
  assert.deepEqual(
    [renewed?.httpOnly, renewed?.secure, renewed?.sameSite, renewed?.path],
    [true, true, 'Lax', '/logs/'],
  );
});
