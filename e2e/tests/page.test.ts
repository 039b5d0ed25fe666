import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchChromium } from '../harness/chromium.ts';
import { stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();

test('a person finds a line that was just written', async (t) => {
  const browser = await launchChromium();
  t.after(() => browser.close());
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(stack.url);
  const token = `page${process.pid}`;
  appendFileSync(join(stack.logs, 'page.log'), `${token} payment of <b>12.50</b> refused\n`);
  const query = page
    .getByRole('searchbox')
    .or(page.getByRole('textbox', { name: /query|search/i }))
    .first();
  const hit = page.getByText('payment of <b>12.50</b> refused');
  await query.fill(token);
  for (let attempt = 0; attempt < 60 && (await hit.count()) === 0; attempt++) {
    await query.press('Enter');
    await page.waitForTimeout(500);
  }
  assert.equal(await hit.first().isVisible(), true);
  assert.equal(
    (await page.locator('mark', { hasText: token }).count()) > 0,
    true,
    'the match is highlighted',
  );
  assert.deepEqual(problems, []);
});
