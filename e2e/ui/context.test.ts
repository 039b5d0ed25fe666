import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shop } from './shop-server.ts';
import { counted, picture, rows, toKeys, visit } from './visitor.ts';

const logs = shop('context');

test('context: the lines around an event in its file, more of them, and those of all hosts', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: 'tag:shop.app level:error' }));
  await counted(page, /events/);
  await rows(page).first().waitFor();
  await toKeys(page);
  for (const key of ['j', 'j', 'j', 'j', 'c']) await page.keyboard.press(key);
  const dialog = page.getByRole('dialog', { name: 'Context' });
  const chosen = dialog.locator('.row.chosen');
  await chosen.waitFor();
  await page.waitForURL(/context=/);
  await picture(page, 'context-light');
  assert.match((await chosen.textContent()) ?? '', /ERROR/);
  const before = Number(await chosen.getAttribute('data-index'));
  assert.equal(before, 50);
  await dialog.getByRole('button', { name: 'Earlier lines' }).click();
  await dialog.locator('.row.chosen:not([data-index="50"])').waitFor();
  assert.ok(Number(await chosen.getAttribute('data-index')) > 50);
  await page.keyboard.press('k');
  assert.equal(
    Number(await dialog.locator('.row.active').getAttribute('data-index')),
    Number(await chosen.getAttribute('data-index')) - 1,
  );
  await dialog.getByRole('button', { name: 'All hosts at this time' }).click();
  await dialog.locator('b[data-value="web-2"]').first().waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).searchParams.get('context'), null);
});
