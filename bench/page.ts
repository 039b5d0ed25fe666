import { parseArgs } from 'node:util';
import { storeVersions } from '@millrace/deploy/local/engines/versions.ts';
import { buildPage } from '@millrace/deploy/local/page.ts';
import { launchChromium } from '../e2e/harness/chromium.ts';
import { startSearchServer } from '../e2e/harness/search-server.ts';
import { root } from '../e2e/harness/stack.ts';
import { startStoreEngine } from '../e2e/harness/store-engine.ts';
import { emptyList, scroll, startTimes, watchQuery, watchStart } from './lib/page-probe.ts';
import { report, table } from './lib/report.ts';
import { fillForSearch } from './lib/search-fill.ts';
import { quantile } from './lib/timed-http.ts';

/** How fast the page is in a browser; see README.md. */
const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '200000' },
    /** An engine that runs already, as `bench search --fill` leaves it. */
    node: { type: 'string' },
    /** A search API that runs already, with those events in its store. */
    url: { type: 'string' },
    starts: { type: 'string', default: '10' },
    queries: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '10' },
  },
});
const lines = Number(values.lines);
const stream = 'bench_search';
/** As many as the page holds. */
const rows = Math.min(lines, 100_000);
/** Pixels a second: as somebody reads along, and so fast that most rows are new in each frame. */
const speeds = [2_000, 20_000];
const viewport = { width: 1440, height: 900 };
const asked = { from: '2026-01-01', to: '2026-01-03', stream };

type Browser = Awaited<ReturnType<typeof launchChromium>>;
type Page = Awaited<ReturnType<Browser['newPage']>>;

if (values.url === undefined) await withServer(values.node);
else await measured(values.url);

async function withServer(running: string | undefined): Promise<void> {
  const own =
    running === undefined ? await startStoreEngine('opensearch', storeVersions.opensearch[1]) : undefined;
  const node = running ?? own?.node ?? '';
  try {
    await fillForSearch(node, stream, lines);
    await buildPage(root);
    const server = await startSearchServer({ type: 'opensearch', node });
    try {
      await measured(server.url);
    } finally {
      await server.stop();
    }
  } finally {
    await own?.stop();
  }
}

async function measured(url: string): Promise<void> {
  const browser = await launchChromium();
  try {
    const starts = await coldStarts(browser, url);
    const queries = await queryTimes(browser, url);
    const page = await opened(browser, url);
    const meter = await meterOf(page);
    const loading = await loadAll(page, meter, url);
    const scrolls: (string | number)[][] = [];
    const empty = await browser.newPage({ viewport });
    await empty.setContent(emptyList(rows));
    const emptyMeter = await meterOf(empty);
    for (const speed of speeds) {
      await page.bringToFront();
      scrolls.push(['rows', ...(await scrolled(page, meter, speed))]);
      await empty.bringToFront();
      scrolls.push(['an empty list', ...(await scrolled(empty, emptyMeter, speed))]);
    }
    report('page', [
      `Headless Chromium ${browser.version()}, ${viewport.width} × ${viewport.height}, drawn by software, with the search API and its store on`,
      'the same cores. A frame is late when the cores are busy, be it with drawing: CPU time of the main thread is what',
      'the page itself costs, and should be far below 16.7 ms a frame.',
      '',
      ...table(['milliseconds', 'p50', 'p95'], [...starts, ...queries]),
      '',
      ...loading,
      '',
      ...table(
        [
          `${rows.toLocaleString('en')} rows scrolled`,
          'pixels/s',
          'frames/s',
          'frame p50 ms',
          'p95',
          'longest',
          'main thread CPU ms a frame',
          'of it script',
          'style and layout',
        ],
        scrolls,
      ),
    ]);
  } finally {
    await browser.close();
  }
}

/** A page of its own, without anything cached, on the question for all events. */
async function opened(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport, locale: 'en-US', timezoneId: 'UTC' });
  const page = await context.newPage();
  await page.addInitScript({ content: watchStart });
  await page.goto(`${url}/?${new URLSearchParams(asked)}`, { waitUntil: 'commit' });
  await page.locator('.results .row[data-index]').first().waitFor();
  await settled(page);
  return page;
}

async function settled(page: Page): Promise<void> {
  await page.locator('.top:not(.busy)').waitFor();
}

async function coldStarts(browser: Browser, url: string): Promise<string[][]> {
  const times: { paint: number; content: number; rows: number }[] = [];
  for (let run = 0; run < Number(values.starts); run++) {
    const page = await opened(browser, url);
    times.push(await page.evaluate(startTimes));
    await page.context().close();
  }
  const of = (name: 'paint' | 'content' | 'rows') => times.map((each) => each[name]);
  return [
    spread(`cold page, first paint (${times.length} times)`, of('paint')),
    spread('cold page, first contentful paint', of('content')),
    spread('cold page, first rows painted', of('rows')),
  ];
}

/** Each query is another; the same is asked without a browser right after, in a shifted time so that nothing is cached. */
async function queryTimes(browser: Browser, url: string): Promise<string[][]> {
  const page = await opened(browser, url);
  const box = page.getByRole('textbox', { name: /^Query/ });
  const painted: number[] = [];
  const plain: number[] = [];
  for (let i = 0; i < Number(values.queries); i++) {
    const q = queryOf(i);
    await box.fill(q);
    await page.waitForTimeout(200);
    await page.evaluate(watchQuery);
    await box.press('Enter');
    painted.push(await page.evaluate<number>('benchRows'));
    await settled(page);
    await page.waitForTimeout(200);
    plain.push(await firstBytes(url, { ...asked, q, from: '2025-12-31', sort: 'desc', limit: '500' }));
  }
  await page.context().close();
  return [
    spread(`Enter to first rows painted (${painted.length} queries)`, painted),
    spread('the same asked by `fetch`, to the first bytes of rows', plain),
  ];
}

function queryOf(i: number): string {
  const words = ['googlebot', 'curl', 'okhttp', 'iphone', 'requests'];
  const statuses = ['200', '304', '404', '403', '500', '502'];
  const [word, status] = [words[i % words.length], statuses[Math.floor(i / words.length) % statuses.length]];
  return `${word} status:${status}${i < words.length * statuses.length ? '' : ` -x${i}`}`;
}

/** Milliseconds to the first bytes that tell of a row, while the rest is read too. */
async function firstBytes(url: string, parameters: Record<string, string>): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`${url}/api/v1/search/stream?${new URLSearchParams(parameters)}`);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  let ms = Number.NaN;
  for await (const bytes of response.body ?? [])
    if (Number.isNaN(ms) && Buffer.from(bytes).includes('"hit"')) ms = performance.now() - startedMs;
  return ms;
}

/** As the key for the last row does it. */
async function loadAll(page: Page, meter: Meter, url: string): Promise<string[]> {
  const before = await meter();
  await page.locator('.list').focus();
  await page.evaluate('benchLongest = 0');
  const startedMs = performance.now();
  await page.keyboard.press('G');
  await page.locator(`.list[aria-rowcount="${rows + 1}"]`).waitFor({ timeout: 300_000 });
  await settled(page);
  const seconds = (performance.now() - startedMs) / 1000;
  const after = await meter();
  const longest = await page.evaluate<number>('benchLongest');
  const heap = (await meter(true)).JSHeapUsedSize ?? 0;
  const plain = await plainLoad(url);
  return [
    `${rows.toLocaleString('en')} rows loaded in ${seconds.toFixed(1)} s (${plain}); CPU of the main thread`,
    `${((after.TaskDuration ?? 0) - (before.TaskDuration ?? 0)).toFixed(1)} s, its longest task ${longest.toFixed(0)} ms; JavaScript heap then ${(heap / 1e6).toFixed(0)} MB.`,
  ];
}

/** The same rows asked at once and parsed by nobody. */
async function plainLoad(url: string): Promise<string> {
  const parameters = new URLSearchParams({ ...asked, sort: 'desc', limit: String(rows) });
  const startedMs = performance.now();
  const response = await fetch(`${url}/api/v1/search/stream?${parameters}`);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const { byteLength } = await response.arrayBuffer();
  const seconds = (performance.now() - startedMs) / 1000;
  return `one answer of ${(byteLength / 1e6).toFixed(0)} MB to \`fetch\`: ${seconds.toFixed(1)} s`;
}

/** Speed, frames a second, times between frames, and what a frame cost the main thread. */
async function scrolled(page: Page, meter: Meter, speed: number): Promise<string[]> {
  await page.waitForTimeout(1000);
  const before = await meter();
  const between = await page.evaluate<number[]>(scroll(speed, Number(values.seconds)));
  const after = await meter();
  const perFrame = (...names: string[]) => {
    const seconds = names.reduce((sum, name) => sum + (after[name] ?? 0) - (before[name] ?? 0), 0);
    return ((1000 * seconds) / between.length).toFixed(2);
  };
  const wholeS = between.reduce((sum, ms) => sum + ms, 0) / 1000;
  return [
    speed.toLocaleString('en'),
    (between.length / wholeS).toFixed(1),
    quantile(between, 0.5).toFixed(1),
    quantile(between, 0.95).toFixed(1),
    Math.max(...between).toFixed(0),
    perFrame('TaskDuration'),
    perFrame('ScriptDuration'),
    perFrame('LayoutDuration', 'RecalcStyleDuration'),
  ];
}

type Meter = Awaited<ReturnType<typeof meterOf>>;

/**
 * Tells what the page has spent since then, seconds of CPU, and holds, bytes; of the heap what garbage collection leaves
 * when that is asked for. One session for all: each counts from its own beginning.
 */
async function meterOf(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async (collected = false): Promise<Record<string, number>> => {
    if (collected) await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
}

function spread(name: string, times: number[]): string[] {
  return [name, quantile(times, 0.5).toFixed(0), quantile(times, 0.95).toFixed(0)];
}
