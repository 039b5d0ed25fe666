import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { shop } from './shop-server.ts';
import { picture, rows, settled, toKeys, type VisitOptions, visit } from './visitor.ts';

const logs = shop('looks', 9000);

interface Look {
  parameters?: Record<string, string>;
  /** Brings the view to where it is looked at. */
  prepare(page: Page): Promise<void>;
}

const views: Record<string, Look> = {
  events: { prepare: (page) => rows(page).first().waitFor() },
  details: {
    parameters: { q: 'level:error' },
    async prepare(page) {
      await rows(page).first().waitFor();
      await settled(page);
      await toKeys(page);
      for (const key of ['j', 'j', 'Enter']) await page.keyboard.press(key);
      await page.locator('.details').waitFor();
    },
  },
  table: {
    parameters: { q: '* | timechart 5m by level' },
    prepare: (page) => page.locator('.table-view').waitFor(),
  },
  patterns: {
    parameters: { view: 'patterns' },
    prepare: (page) => page.locator('.pattern').first().waitFor(),
  },
  compare: {
    parameters: { view: 'compare', from: 'now-80m' },
    prepare: (page) => page.locator('.pattern').first().waitFor(),
  },
  alerts: {
    parameters: { view: 'alerts' },
    prepare: (page) => page.locator('.alerts, .empty').first().waitFor(),
  },
  empty: {
    parameters: { q: 'nothinglikethis' },
    prepare: (page) => page.getByRole('heading', { level: 2 }).last().waitFor(),
  },
  help: {
    async prepare(page) {
      await rows(page).first().waitFor();
      await toKeys(page);
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
    },
  },
  export: {
    async prepare(page) {
      await rows(page).first().waitFor();
      await toKeys(page);
      await page.keyboard.press('x');
      await page.getByRole('dialog').waitFor();
    },
  },
  time: {
    async prepare(page) {
      await rows(page).first().waitFor();
      await page.locator('.time-button').click();
      await page.getByRole('dialog').waitFor();
    },
  },
};

async function look(
  t: Parameters<typeof visit>[0],
  name: string,
  as: string,
  options: VisitOptions,
): Promise<void> {
  const view = views[name];
  if (view === undefined) throw new Error(`no view ${name}`);
  const page = await visit(t, logs.browser, logs.url(view.parameters), options);
  await view.prepare(page);
  await page.locator('.sidebar .bars, .pattern, .empty, .list').first().waitFor();
  await page.waitForLoadState('networkidle');
  await picture(page, `${name}-${as}`);
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'])
    .analyze();
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(
    bad.map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join(', ')}`,
    ),
    [],
  );
}

for (const name of Object.keys(views))
  for (const colorScheme of ['light', 'dark'] as const)
    test(`${name}, ${colorScheme}: accessible`, (t) => look(t, name, colorScheme, { colorScheme }));

for (const name of ['events', 'details', 'patterns', 'time'])
  test(`${name} on a phone: accessible, and nothing is wider than the screen`, async (t) => {
    await look(t, name, 'phone', { size: [390, 844] });
  });

test('in Korean: accessible', (t) => look(t, 'events', 'korean', { locale: 'ko-KR' }));

test('a phone shows the fields over the events, and closes them', async (t) => {
  const page = await visit(t, logs.browser, logs.url(), { size: [390, 844] });
  await rows(page).first().waitFor();
  assert.equal(await page.locator('.sidebar').count(), 0);
  await page.getByRole('button', { name: 'Fields', exact: true }).click();
  await page.locator('.sidebar').getByText('nginx.access').waitFor();
  await picture(page, 'fields-phone');
  await page.locator('.sidebar').getByRole('button', { name: 'Close' }).click();
  assert.equal(await page.locator('.sidebar').count(), 0);
  assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= 390);
});
