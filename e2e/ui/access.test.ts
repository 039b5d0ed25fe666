import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { startSearchServer } from '../harness/search-server.ts';
import { shop } from './shop-server.ts';
import { counted, rows, settled, visit } from './visitor.ts';

const logs = shop('access');

test('below another path, all of the page works', async (t) => {
  const server = await startSearchServer(logs.engine, { config: { http: { base_path: '/ops/logs' } } });
  t.after(() => server.stop());
  const page = await visit(t, logs.browser, `${server.url}/ops/logs?from=now-2h&stream=${logs.stream}`);
  await counted(page, '3,005 events');
  await rows(page).first().waitFor();
  await page.getByRole('button', { name: 'Patterns' }).click();
  await page.locator('.pattern').first().waitFor();
  assert.match(page.url(), /\/ops\/logs\/\?/);
});

test('who is not logged in is told where', async (t) => {
  const server = await startSearchServer(logs.engine, {
    config: {
      http: { public_url: 'http://localhost:9' },
      access: {
        oidc: {
          issuer: 'http://127.0.0.1:9',
          client_id: 'page',
          roles: [{ value: '*', scopes: ['search'] }],
        },
      },
    },
  });
  t.after(() => server.stop());
  const page = await visit(t, logs.browser, `${server.url}/?q=order`, { expectFailures: true });
  const login = page.getByRole('alert').getByRole('link', { name: 'Log in' });
  await login.waitFor();
  assert.equal(await login.getAttribute('href'), '/login?to=%2F%3Fq%3Dorder');
});

test('what somebody may not do is not offered, what is hidden is not shown', async (t) => {
  const key = 'mr_page_0123456789abcdef0123456789abcdef0123456789a';
  const server = await startSearchServer(logs.engine, {
    config: {
      access: {
        keys: [
          {
            id: 'page',
            sha256: createHash('sha256').update(key).digest('hex'),
            scopes: ['search'],
            tags: ['shop.*'],
            redact: ['user.id', 'host.name', 'log.level'],
          },
        ],
      },
    },
  });
  t.after(() => server.stop());
  const page = await visit(t, logs.browser, 'about:blank', { headers: { authorization: `Bearer ${key}` } });
  await page.goto(`${server.url}/?from=now-2h&q=tag:*&stream=${logs.stream}`);
  await counted(page, '1,505 events');
  await settled(page);
  assert.equal(await page.getByRole('button', { name: 'Live' }).count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Alerts' }).count(), 0);
  assert.equal(await page.getByLabel('Where to look').count(), 0);
  await page.locator('.all-fields').getByText('user.plan').waitFor();
  assert.equal(await page.locator('.all-fields').getByText('user.id').count(), 0);
  await page.locator('.facet').getByText('shop.events').first().waitFor();
});
