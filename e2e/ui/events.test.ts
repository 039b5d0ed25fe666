import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shop } from './shop-server.ts';
import { counted, rows, toKeys, visit } from './visitor.ts';

const logs = shop('events');

test('keys move, open, find the next error and close', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await rows(page).first().waitFor();
  await toKeys(page);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  assert.equal(await page.locator('.row.active').getAttribute('data-index'), '1');
  await page.keyboard.press('k');
  assert.equal(await page.locator('.row.active').getAttribute('data-index'), '0');
  await page.keyboard.press('e');
  const error = page.locator('.row.active');
  assert.match((await error.getAttribute('class')) ?? '', /\bbad\b/);
  await page.keyboard.press('Enter');
  await page.locator('.details').waitFor();
  assert.equal(await error.getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.details').count(), 0);
  const first = Number(await error.getAttribute('data-index'));
  await page.keyboard.press('e');
  assert.ok(Number(await error.getAttribute('data-index')) > first);
  await page.keyboard.press('E');
  assert.equal(Number(await error.getAttribute('data-index')), first);
  await page.keyboard.press('G');
  await page.locator('.row.active[data-index="3004"]').waitFor();
  await page.keyboard.press('g');
  await page.locator('.row.active[data-index="0"]').waitFor();
  await page.keyboard.press('/');
  assert.equal(await page.evaluate('document.activeElement?.id'), 'q');
});

test('a trace is folded, and unfolds', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: '"deep trace"' }));
  await rows(page).first().click();
  const details = page.locator('.details');
  await details.getByText('… 57 more frames').waitFor();
  assert.equal(await details.getByText('Stack.java:60').count(), 0);
  await details.getByText('… 57 more frames').click();
  assert.match((await details.locator('pre').first().textContent()) ?? '', /Stack\.java:69/);
});

test('a record of 1 MB shows its size and a part, and all of it when asked', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: '"huge record"' }));
  await rows(page).first().click();
  const pre = page.locator('.details pre').first();
  await pre.waitFor();
  assert.ok(((await pre.textContent()) ?? '').length < 20_000);
  await page.getByRole('button', { name: /Show all \d/ }).click();
  assert.ok(((await pre.textContent()) ?? '').length > 900_000);
});

test('a record of 1,000 fields draws those in sight, and finds the others', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: '"wide record"' }));
  await rows(page).first().click();
  await page.getByText(/1,0\d\d fields/).waitFor();
  assert.ok((await page.locator('.fields tr').count()) < 60);
  await page.locator('.details').getByLabel('Find a field').fill('field_987');
  await page.getByText('value 987').waitFor();
  await page.getByRole('button', { name: 'Only field_987 value 987' }).click();
  await counted(page, '1 event');
});

test('JSON is laid out, and shown as it came when asked', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: 'payload' }));
  await rows(page).first().click();
  const pre = page.locator('.details pre').first();
  await pre.locator('.json-key').first().waitFor();
  assert.match((await pre.textContent()) ?? '', /"nested": \{\n/);
  await page.getByRole('button', { name: '{ }' }).click();
  assert.match((await pre.textContent()) ?? '', /^\{"kind":"payload"/);
  await page.locator('.details').getByRole('button', { name: 'JSON', exact: true }).click();
  assert.match((await page.locator('pre.json').textContent()) ?? '', /"tag": "shop\.hard"/);
});

test('markup in a line is text, and matches are marked', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: 'payment refused' }));
  const text = page.locator('.row .text').first();
  await text.locator('mark').first().waitFor();
  assert.equal(await text.textContent(), 'payment of <b>12.50</b> <img src=x onerror=alert(1)> refused');
  assert.deepEqual(await text.locator('mark').allTextContents(), ['payment', 'refused']);
});

test('a copied link shows the same, with the event open', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: '"wide record"' }));
  await rows(page).first().click();
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByText('Link copied').waitFor();
  const link = await page.evaluate<string>('navigator.clipboard.readText()');
  assert.match(link, /from=\d{4}-.*open=/);
  await page.goto(link);
  await page.getByText(/1,0\d\d fields/).waitFor();
});

test('rows behind the first are loaded as they are needed, and only those in sight are drawn', async (t) => {
  const page = await visit(t, logs.browser, logs.url());
  await rows(page).first().waitFor();
  const list = page.locator('.list');
  for (let i = 0; i < 40 && !(await page.getByText('3,005 rows, and that is all').count()); i++) {
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(100);
  }
  await page.getByText('3,005 rows, and that is all').waitFor();
  assert.ok((await rows(page).count()) < 120);
  assert.equal(await page.evaluate(walkDown), 3005, 'no row is left out on the way down');
});

/** Scrolls half a screen at a time; how many rows there were in all. */
const walkDown = `(async () => {
  const list = document.querySelector('.list');
  const seen = new Set();
  for (let top = 0; top < list.scrollHeight; top += list.clientHeight / 2) {
    list.scrollTo(0, top);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    for (const row of list.querySelectorAll('.row[data-index]')) seen.add(row.dataset.index);
  }
  return seen.size;
})()`;
