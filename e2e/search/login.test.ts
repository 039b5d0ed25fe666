import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BrowserSession } from '../harness/browser-session.ts';
import { type LoginProvider, startLoginProvider } from '../harness/login-provider.ts';
import { searchEngines } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

const [engine] = searchEngines();

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

describe('a login through OpenID Connect', () => {
  assert.ok(engine);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-login-'));
  const secretFile = join(folder, 'secret');
  let provider: LoginProvider;
  let server: SearchServer;
  let home = '';
  let origin = '';

  before(async () => {
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    home = `${origin}/logs/`;
    provider = await startLoginProvider(`${home}callback`, { ann: ['ops', 'staff'], bob: ['shop'] });
    writeFileSync(secretFile, provider.clientSecret);
    const roles = [
      { value: 'ops', scopes: ['search', 'admin'] },
      { value: 'shop', scopes: ['search'], tags: ['app.shop.*'], redact: ['user'] },
    ];
    server = await startSearchServer(engine, {
      config: {
        http: { port, base_path: '/logs', public_url: origin },
        access: {
          oidc: {
            issuer: provider.issuer,
            client_id: provider.clientId,
            client_secret_file: secretFile,
            scope: 'openid email groups',
            roles,
          },
        },
      },
    });
  });
  after(async () => {
    await server.stop();
    await provider.close();
    rmSync(folder, { recursive: true });
  });

  const me = async (browser: BrowserSession) =>
    (await (await browser.fetch(`${home}api/v1/me`)).json()) as Record<string, string | string[] | null>;
  const start = () => `${home}login?to=${encodeURIComponent('/logs/?q=level%3Aerror#row')}`;

  it('gives the role of the first group, and leads back to where it began', async () => {
    const browser = new BrowserSession();
    assert.equal((await browser.fetch(`${home}api/v1/search`)).status, 401);
    assert.equal((await me(browser)).login, '/logs/login');
    const back = await browser.login(start(), 'ann', home);
    assert.equal(back.status, 302);
    assert.equal(back.headers.get('location'), '/logs/?q=level%3Aerror#row');
    assert.equal(browser.cookie('millrace_login'), undefined);
    const ann = await me(browser);
    assert.deepEqual([ann.subject, ann.scopes], ['user:ann@example.com', ['search', 'admin']]);
    assert.equal((await browser.fetch(`${home}api/v1/search`)).status, 200);
    const other = new BrowserSession();
    await other.login(start(), 'bob', home);
    const bob = await me(other);
    assert.deepEqual([bob.scopes, bob.tags, bob.redact], [['search'], ['app.shop.*'], ['user']]);
    assert.equal((await other.fetch(`${home}api/v1/search?q=user:x`)).status, 403);
    assert.equal((await other.fetch(`${home}api/v1/keys`)).status, 403);
  });

  it('lets in nobody without a role', async () => {
    const browser = new BrowserSession();
    const answer = await browser.login(start(), 'mallory', home);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /no role here/);
    assert.equal((await me(browser)).subject, null);
    assert.equal((await browser.fetch(`${home}api/v1/search`)).status, 401);
  });

  it('ends once, in the browser where it began, with what it began with', async () => {
    const attacker = new BrowserSession();
    const begun = await attacker.fetch(start());
    const url = new URL(begun.headers.get('location') ?? '');
    assert.equal(url.searchParams.get('code_challenge_method'), 'S256');
    assert.equal(url.searchParams.get('redirect_uri'), `${home}callback`);
    const state = url.searchParams.get('state') ?? '';
    const kept = attacker.cookie('millrace_login') ?? '';
    assert.ok(state.length > 20 && kept.length > 20);
    // Another browser is sent to the callback of a login that it did not begin.
    const victim = new BrowserSession();
    for (const query of [`code=x&state=${state}`, `error=access_denied&state=${state}`, '', 'code=x']) {
      const answer = await victim.fetch(`${home}callback?${query}`);
      assert.equal(answer.status, 400, query);
      assert.equal(victim.cookie('millrace_session'), undefined);
    }
    // The right browser, with a state of another login; and one altered.
    await victim.fetch(start());
    assert.equal((await victim.fetch(`${home}callback?code=x&state=${state}`)).status, 400);
    victim.setCookie(origin, 'millrace_login', `${kept.slice(0, -3)}AAA`);
    assert.equal((await victim.fetch(`${home}callback?code=x&state=${state}`)).status, 400);
    // What was used once is used up: the same callback with the same cookie again.
    const browser = new BrowserSession();
    const before = await browser.fetch(start());
    assert.equal(before.status, 302);
    const cookie = browser.cookie('millrace_login') ?? '';
    let callback = '';
    const { fetch: real } = browser;
    browser.fetch = async (address, init) => {
      if (address.startsWith(`${home}callback`)) callback = address;
      return await real.call(browser, address, init);
    };
    await browser.login(before.headers.get('location') ?? '', 'ann', home);
    assert.notEqual((await me(browser)).subject, null);
    const replayed = new BrowserSession();
    replayed.setCookie(origin, 'millrace_login', cookie);
    assert.ok([400, 403].includes((await replayed.fetch(callback)).status));
    assert.equal((await me(replayed)).subject, null);
  });

  it('ends with a log out, which the page alone can ask for', async () => {
    const browser = new BrowserSession();
    await browser.login(start(), 'ann', home);
    const { csrf } = await me(browser);
    const post = (headers: Record<string, string>) =>
      browser.fetch(`${home}logout`, { method: 'POST', headers });
    assert.equal((await post({})).status, 403);
    assert.equal(
      (await post({ 'x-millrace-csrf': String(csrf), origin: 'http://evil.example' })).status,
      403,
    );
    const out = await post({ 'x-millrace-csrf': String(csrf), origin });
    assert.equal(out.status, 200);
    const { to } = (await out.json()) as { to: string };
    assert.ok(to.startsWith(`${provider.issuer}/session/end?`), to);
    assert.equal((await me(browser)).subject, null);
  });

  it('says so when the provider does not answer, and API keys go on', async () => {
    const other = await startSearchServer(engine, {
      config: {
        http: { public_url: 'http://127.0.0.1:1' },
        access: {
          oidc: { issuer: 'http://127.0.0.1:1', client_id: 'x', roles: [{ value: '*', scopes: ['search'] }] },
        },
      },
    });
    try {
      const answer = await fetch(`${other.url}/login`, { redirect: 'manual' });
      assert.equal(answer.status, 503);
      assert.match(await answer.text(), /LOGIN_UNAVAILABLE/);
      assert.equal((await fetch(`${other.url}/healthz`)).status, 200);
    } finally {
      await other.stop();
    }
  });
});
