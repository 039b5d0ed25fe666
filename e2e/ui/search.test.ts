import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shop } from './shop-server.ts';
import { ask, counted, rows, settled, toKeys, visit } from './visitor.ts';

const logs = shop('search');

test('a query is typed, completed by fields and values, and asked', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await counted(page, '3,005 events');
  const box = page.getByRole('textbox', { name: /^Query/ });
  await box.pressSequentially('log.le');
  await page
    .getByRole('option', { name: /log\.level/ })
    .first()
    .waitFor();
  await box.press('Tab');
  assert.equal(await box.inputValue(), 'log.level:');
  await box.pressSequentially('err');
  await page.getByRole('option', { name: 'error' }).waitFor();
  await box.press('ArrowDown');
  await box.press('Enter');
  assert.equal((await box.inputValue()).trim(), 'log.level:error');
  await box.press('Enter');
  await page.waitForURL(/q=log\.level/);
  await settled(page);
  await rows(page).first().waitFor();
  assert.deepEqual(
    new Set(await page.locator('.results .row .level b').allTextContents()),
    new Set(['error']),
  );
});

test('a mistake is marked where it is while it is typed, and named by the server too', async (t) => {
  const page = await visit(t, logs.browser, logs.url(), { expectFailures: true });
  const box = page.getByRole('textbox', { name: /^Query/ });
  await box.fill('payment (refused');
  await page.locator('.mistake').getByText('the parenthesis is not closed').waitFor();
  assert.equal(await page.locator('.coloured .wrong').textContent(), '(');
  await box.press('Enter');
  await page.getByRole('alert').getByText('the parenthesis is not closed').waitFor();
});

test('what was asked before is offered in the empty box', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await ask(page, 'order failed');
  await counted(page, /events/);
  await ask(page, 'user_login');
  await counted(page, /events/);
  const box = page.getByRole('textbox', { name: /^Query/ });
  await box.fill('');
  await box.press('ArrowDown');
  assert.deepEqual(await page.locator('.choices span').allTextContents(), ['user_login', 'order failed']);
});

test('the range is chosen by a click, typed, and stepped through by keys', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await page.getByRole('button', { name: /Last 2 hr/ }).click();
  await page.getByLabel('From', { exact: true }).fill('now-90');
  await page.getByText('is not a time').waitFor();
  await page.getByLabel('From', { exact: true }).fill('now-30m');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.waitForURL(/from=now-30m/);
  await page.locator('.time-button').click();
  await page.getByRole('button', { name: 'Last 24 hours' }).click();
  await page.waitForURL(/from=now-24h/);
  await toKeys(page);
  await page.keyboard.press('[');
  await page.waitForURL(/from=\d{4}-\d\d-\d\dT.*to=/);
  await page.goBack();
  await page.waitForURL(/from=now-24h/);
});

test('a drag on the histogram looks closer, so do arrows, Shift and Enter', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await counted(page, '3,005 events');
  const over = page.locator('.u-over');
  const box = await over.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.6, box.y + 30);
  await page.locator('.tip').waitFor();
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 30, { steps: 4 });
  await page.mouse.move(box.x + box.width * 0.8, box.y + 30, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d{4}-/);
  await counted(page, /^1,\d{3} events/);
  await page.goBack();
  await counted(page, '3,005 events');
  await toKeys(page);
  await page.keyboard.press('i');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowLeft');
  for (let i = 0; i < 5; i++) await page.keyboard.press('Shift+ArrowLeft');
  await page
    .locator('.histogram [aria-live]')
    .getByText(/events/)
    .waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/from=\d{4}-/);
});

test('a click on a value asks for it alone, or for all but it', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await rows(page).first().waitFor();
  await page.locator('.results b[data-value="shop.hard"]').first().click();
  await page.getByRole('menuitem', { name: 'Only this' }).click();
  await counted(page, '5 events');
  const box = page.getByRole('textbox', { name: /^Query/ });
  assert.equal(await box.inputValue(), 'tag:shop.hard');
  await page.locator('.results b[data-value="shop.hard"]').first().click();
  await page.getByRole('menuitem', { name: 'Without this' }).click();
  await counted(page, '3,000 events');
  assert.equal(await box.inputValue(), '-tag:shop.hard');
});

test('facets count, filter and open statistics', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await page.locator('.sidebar').getByText('nginx.access').click();
  await counted(page, '1,500 events');
  await page.getByRole('button', { name: 'Statistics of http.response.status_code' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('95th percentile').waitFor();
  await dialog.locator('.bars').getByText('502').click();
  await page.waitForURL(/status_code/);
  await settled(page);
  assert.deepEqual(new Set(await page.locator('.results .row .level b').allTextContents()), new Set(['502']));
});

test('columns come and go without asking the server', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: 'tag:shop.events' }));
  await rows(page).first().waitFor();
  await page.locator('.all-fields').getByText('user.id', { exact: true }).waitFor();
  await page.waitForLoadState('networkidle');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.locator('.all-fields').getByText('user.id', { exact: true }).click();
  await page.getByRole('columnheader', { name: /user\.id/ }).waitFor();
  assert.match(
    (await page.locator('.results b[data-field="user.id"]').first().textContent()) ?? '',
    /^\d{4}$/,
  );
  await page.getByRole('button', { name: 'Remove column tag' }).click();
  assert.equal(await page.getByRole('columnheader', { name: /^tag/ }).count(), 0);
  assert.deepEqual(
    asked.filter((url) => url.includes('/api/') && !url.includes('/status')),
    [],
  );
  assert.match(page.url(), /cols=host\.name%2Cuser\.id/);
});

test('a query with a pipe answers a table that is sorted by a click', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await ask(page, '* | count by tag');
  const cells = page.locator('.table-view tbody tr td:first-child');
  await cells.first().waitFor();
  assert.equal(await cells.count(), 4);
  const table = page.getByRole('region', { name: 'Table' });
  await table.getByRole('button', { name: /^tag/ }).click();
  assert.equal(await cells.first().textContent(), 'shop.hard');
  await table.getByRole('button', { name: /^tag/ }).click();
  assert.equal(await cells.first().textContent(), 'nginx.access');
});

test('nothing found: a wider range is one click away', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ from: 'now-15s', q: 'order' }));
  await page.getByText('Nothing found').waitFor();
  await page.getByRole('button', { name: 'Search Last 7 days' }).click();
  await rows(page).first().waitFor();
});
