import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { archiveLines } from '../harness/log-lines.ts';
import { startSearchServer } from '../harness/search-server.ts';
import { shop } from './shop-server.ts';
import { counted, rows, settled, toKeys, visit } from './visitor.ts';

const logs = shop('views');

test('patterns: the rare ones first, a click asks for the events', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await toKeys(page);
  await page.keyboard.press('p');
  const patterns = page.locator('.pattern');
  await patterns.first().waitFor();
  await page.locator('.template i').getByText('<num>').first().waitFor();
  assert.equal(await page.locator('.pattern-counts b').first().textContent(), '1');
  await page.getByRole('button', { name: 'Common first' }).click();
  await page.locator('.pattern-counts b').first().getByText(/\d{3}/).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.searchParams.get('q') !== null && !url.searchParams.has('view'));
  await rows(page).first().waitFor();
});

test('what is new since another time', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ from: 'now-70m' }));
  await page.getByRole('button', { name: 'What is new' }).click();
  await page.getByRole('heading', { name: /^New/ }).waitFor();
  await page.locator('.pattern').getByText('order_paid').waitFor();
  await page.getByLabel(/Time to compare with/).fill('now-40m..now-30m');
  await page.keyboard.press('Enter');
  await page.waitForURL(/with=now-40m/);
  await page.locator('.totals').getByText('all events').waitFor();
});

test('a search is saved, found by its name, renamed, opened and deleted', async (t) => {
  const name = `page test ${logs.stream}`;
  const page = await visit(t, logs.browser, logs.url({ q: 'tag:shop.app', sort: 'asc', cols: 'tag' }));
  await rows(page).first().waitFor();
  await toKeys(page);
  await page.keyboard.press('s');
  const dialog = page.getByRole('dialog', { name: 'Saved searches' });
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByRole('button', { name: 'Save this search' }).click();
  await dialog.getByRole('button', { name: `Rename ${name}` }).click();
  await dialog.getByLabel('Name', { exact: true }).last().fill(`${name} two`);
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: `Delete ${name} two` }).waitFor();
  await page.goto(logs.url({ q: 'other' }));
  await toKeys(page);
  await page.keyboard.press('s');
  await dialog
    .locator('.saved-open')
    .filter({ hasText: `${name} two` })
    .click();
  await page.waitForURL(/q=tag%3Ashop\.app.*sort=asc.*cols=tag/);
  await settled(page);
  await toKeys(page);
  await page.keyboard.press('s');
  await dialog.getByRole('button', { name: `Delete ${name} two` }).click();
  await dialog.getByRole('button', { name: `Delete ${name} two` }).waitFor({ state: 'detached' });
});

test('an alert on what is asked is made, turned off, and deleted', async (t) => {
  const name = `page alert ${logs.stream}`;
  const page = await visit(t, logs.browser, logs.url({ q: 'level:error | count by tag' }), {
    expectFailures: true,
  });
  await page.getByRole('button', { name: 'Alerts' }).click();
  const form = page.locator('.alert-form');
  await form.getByText('level:error', { exact: true }).waitFor();
  await form.getByLabel('Name').fill(name);
  await form.getByLabel('Number of events').fill('100');
  await form.getByLabel('Tell').selectOption('slack');
  await form.getByLabel('Address').fill('http://10.0.0.1/hook');
  await form.getByRole('button', { name: 'Create alert' }).click();
  await page.getByRole('alert').getByText('allowed_hosts').waitFor();
  await form.getByLabel('Address').fill('http://127.0.0.1:9/hook');
  await form.getByRole('button', { name: 'Create alert' }).click();
  const item = page.locator('.alerts li').filter({ hasText: name });
  await item.getByText('events > 100 in 5m').waitFor();
  await item.getByRole('button', { name: `Turn off ${name}` }).click();
  await item.getByRole('button', { name: `Turn on ${name}` }).waitFor();
  await item.getByText('off', { exact: true }).waitFor();
  await item.getByRole('button', { name: `Delete ${name}` }).click();
  await item.waitFor({ state: 'detached' });
});

test('an export is a file with the rows and columns that are shown', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: 'tag:shop.events', cols: 'tag,user.id' }));
  await counted(page, '750 events');
  await toKeys(page);
  await page.keyboard.press('x');
  const dialog = page.getByRole('dialog', { name: 'Export' });
  await dialog.getByLabel('Only the columns that are shown').check();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Download' }).click(),
  ]);
  const text = gunzipSync(readFileSync(await download.path())).toString();
  const lines = text.trim().split('\n');
  assert.match(lines[0] ?? '', /^@timestamp,level,tag,user\.id,message/);
  assert.equal(lines.length, 751);
});

test('an export that cannot be says why', async (t) => {
  const page = await visit(t, logs.browser, logs.url(), { expectFailures: true });
  await rows(page).first().waitFor();
  await toKeys(page);
  await page.keyboard.press('x');
  const dialog = page.getByRole('dialog', { name: 'Export' });
  await dialog.getByLabel('Rows at most').fill('999999999999');
  await dialog.getByRole('button', { name: 'Download' }).click();
  await dialog.getByRole('alert').waitFor();
});

test('a store that is down: the archive is searched, what is missing is said, and what else works', async (t) => {
  await archiveLines(logs.engine, logs.stream, [
    { lines: ['kept in the archive', 'and this too'], path: '/var/log/old.log', host: 'web-1' },
  ]);
  const server = await startSearchServer(logs.engine, {
    archive: logs.engine.archive,
    store: { type: logs.engine.type, node: 'http://127.0.0.1:9' },
  });
  t.after(() => server.stop());
  const address = `${server.url}/?stream=${logs.stream}`;
  const page = await visit(t, logs.browser, address, { expectFailures: true });
  await page.locator('.row .text').getByText('kept in the archive').waitFor();
  await page.locator('.notice').getByText('only the archive was searched').waitFor();
  await page.goto(`${address}&source=hot`);
  const alert = page.getByRole('alert');
  await alert.getByText('the search store does not answer').waitFor();
  await alert.getByRole('button', { name: 'Search the archive' }).click();
  await page.waitForURL(/source=archive/);
  await page.locator('.row .text').getByText('and this too').waitFor();
});

test('languages, themes and zones are switched in place and kept', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await rows(page).first().waitFor();
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('menuitemradio', { name: '한국어' }).click();
  await page.getByRole('menuitemradio', { name: '어둡게' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('columnheader', { name: '메시지' }).waitFor();
  await page.reload();
  await page.getByRole('columnheader', { name: '메시지' }).waitFor();
  assert.deepEqual(
    await page.evaluate('[document.documentElement.lang, document.documentElement.dataset.theme]'),
    ['ko', 'dark'],
  );
});

test('a browser in Korean is answered in Korean', async (t) => {
  const page = await visit(t, logs.browser, logs.url(), { locale: 'ko-KR' });
  await page.getByRole('button', { name: '최근 2시간' }).waitFor();
});

test('help names the keys, and keys rest while a dialog is open', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await rows(page).first().waitFor();
  await toKeys(page);
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keys and syntax' });
  await dialog.getByText('next error').waitFor();
  await page.keyboard.press('p');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).searchParams.get('view'), null);
});
