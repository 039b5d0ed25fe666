import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { root } from '../harness/stack.ts';

const pictures = join(root, 'e2e/ui/screenshots');

/** Violations of the policy become lines in the console. */
const tellViolations = `addEventListener('securitypolicyviolation', (event) =>
  console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sourceFile))`;

export interface VisitOptions {
  colorScheme?: 'light' | 'dark';
  locale?: string;
  size?: [width: number, height: number];
  /** Answers of the API that are meant to be errors: the browser writes those to its console. */
  expectFailures?: boolean;
  headers?: Record<string, string>;
}

/**
 * Opens the page as a person would; at the end of the test nothing may have gone wrong unseen: no exception, no line in
 * the console, no violation of the policy, no request to anywhere else.
 */
export async function visit(
  t: TestContext,
  browser: Browser,
  url: string,
  {
    colorScheme = 'light',
    locale = 'en-US',
    size = [1440, 900],
    expectFailures = false,
    headers = {},
  }: VisitOptions = {},
): Promise<Page> {
  const context = await browser.newContext({
    colorScheme,
    locale,
    timezoneId: 'UTC',
    viewport: { width: size[0], height: size[1] },
    hasTouch: size[0] < 600,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    acceptDownloads: true,
    extraHTTPHeaders: headers,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`exception: ${error.stack}`));
  page.on('console', (message) => {
    const failed = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !(failed && expectFailures))
      problems.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (to.protocol.startsWith('http') && to.hostname !== '127.0.0.1')
      problems.push(`request to ${request.url()}`);
  });
  await page.addInitScript({ content: tellViolations });
  t.after(async () => {
    // Known to Node, not yet to its types.
    if (!(t as TestContext & { passed: boolean }).passed) {
      await picture(page, `failed ${t.name}`.replaceAll(/[^\w.-]+/g, '-'));
      for (const problem of problems) t.diagnostic(problem);
    }
    await context.close();
    assert.deepEqual(problems, []);
  });
  await page.goto(url);
  return page;
}

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** Types a query over the one that is there, and asks it. */
export async function ask(page: Page, query: string): Promise<void> {
  const box = page.getByRole('textbox', { name: /^Query/ });
  await box.fill(query);
  await box.press('Enter');
}

/** Rows that are drawn. */
export function rows(page: Page) {
  return page.locator('.results .row[data-index]');
}

/** The count that the page says of what is asked now, once it says one that fits. */
export async function counted(page: Page, text: string | RegExp): Promise<void> {
  await page.locator('.counted:not(.stale) [role=status]').filter({ hasText: text }).waitFor();
}

/** The answer to what is asked now is there. */
export async function settled(page: Page): Promise<void> {
  await page.locator('.top:not(.busy)').waitFor();
  await page.locator('.results:not(.stale)').waitFor();
}

/** Leaves the query, so that keys are commands. */
export async function toKeys(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
}
