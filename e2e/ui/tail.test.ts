import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonRule } from '../harness/log-blocks.ts';
import { loadLines } from '../harness/log-lines.ts';
import { shop } from './shop-server.ts';
import { picture, rows, toKeys, visit } from './visitor.ts';

const logs = shop('tail');

/** Lines that arrive now. */
async function arrive(texts: string[]): Promise<void> {
  const lines = texts.map((message) => JSON.stringify({ message, level: 'info' }));
  await loadLines(logs.engine, logs.stream, [
    { lines, rule: jsonRule, tag: 'shop.live', host: 'web-9', path: '/var/log/live.log' },
  ]);
}

test('the live tail shows what arrives at its end, and holds it back while paused', async (t) => {
  const page = await visit(t, logs.browser, logs.url({ q: 'live' }));
  await page.getByText('Nothing found').waitFor();
  await toKeys(page);
  await page.keyboard.press('t');
  await page.waitForURL(/live=1/);
  await page.locator('.tail-bar [role=status]').getByText('Live', { exact: true }).waitFor();
  await arrive(['live one', 'live two']);
  await page.locator('.row .text').getByText('live two').waitFor();
  await page.keyboard.press(' ');
  await page.getByText('Paused').waitFor();
  await arrive(['live three']);
  await page.getByRole('button', { name: /Go on \(1 new\)/ }).waitFor();
  assert.equal(await page.locator('.row .text').getByText('live three').count(), 0);
  await picture(page, 'tail-light');
  await page.keyboard.press(' ');
  await page.locator('.row .text').getByText('live three').waitFor();
  assert.deepEqual(await page.locator('.results .row .text').allTextContents(), [
    'live one',
    'live two',
    'live three',
  ]);
  await page.keyboard.press('t');
  await page.waitForURL((url) => !url.searchParams.has('live'));
  await rows(page).first().waitFor();
});

test('the live tail does not move under who reads further up', async (t) => {
  await arrive(Array.from({ length: 180 }, (_, i) => `moving ${i}`));
  const page = await visit(t, logs.browser, logs.url({ q: 'moving', live: '1' }));
  await page.locator('.row .text').getByText('moving 179').waitFor();
  await page.locator('.tail-bar [role=status]').getByText('Live', { exact: true }).waitFor();
  await page.locator('.list').hover();
  await page.mouse.wheel(0, -2500);
  await page.getByRole('button', { name: /To the newest/ }).waitFor();
  const top = await page.evaluate('document.querySelector(".list").scrollTop');
  const first = await rows(page).first().textContent();
  await arrive(['moving on', 'moving further']);
  await page.getByText('182 rows').waitFor();
  assert.equal(await page.evaluate('document.querySelector(".list").scrollTop'), top);
  assert.equal(await rows(page).first().textContent(), first);
  await page.getByRole('button', { name: /To the newest/ }).click();
  await page.locator('.row .text').getByText('moving further').waitFor();
});
