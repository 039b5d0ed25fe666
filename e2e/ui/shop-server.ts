import { after, before } from 'node:test';
import { buildPage } from '@millrace/deploy/local/page.ts';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../harness/chromium.ts';
import { jsonRule } from '../harness/log-blocks.ts';
import { loadLines } from '../harness/log-lines.ts';
import { forgetStream, type SearchEngine, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';
import { root } from '../harness/stack.ts';
import { hardLines, shopFiles } from './shop.ts';

export interface Shop {
  engine: SearchEngine;
  server: SearchServer;
  browser: Browser;
  stream: string;
  /** The page with the shop's logs in it. */
  url(parameters?: Record<string, string>): string;
}

/** A search API of the file's own, with the logs of a shop in its store, and a browser. */
export function shop(name: string, records = 3000): Shop {
  const [engine] = searchEngines();
  if (engine === undefined) throw new Error('no engine');
  const stream = uniqueStream(`ui_${name}`);
  const made = { engine, stream } as Shop;
  made.url = (parameters = {}) =>
    `${made.server.url}/?${new URLSearchParams({ from: 'now-2h', stream, ...parameters })}`;
  before(async () => {
    await buildPage(root);
    const now = Date.now();
    await loadLines(engine, stream, shopFiles(now - 3_600_000, now - 60_000, records));
    await loadLines(engine, stream, [
      {
        lines: Object.values(hardLines()),
        rule: jsonRule,
        tag: 'shop.hard',
        path: '/var/log/shop/hard.json',
        capturedMs: (i) => now - 50_000 + i,
      },
    ]);
    made.server = await startSearchServer(engine, {
      archive: engine.archive,
      config: {
        alerts: { evaluate: false, allowed_hosts: ['http://127.0.0.1:9'] },
        // Patterns of all events: a busy machine would look at some, and a line once there would count for two.
        limits: { patterns_ms: 60_000 },
      },
    });
    made.browser = await launchChromium();
  });
  after(async () => {
    await made.browser?.close();
    await made.server?.stop();
    await forgetStream(engine, stream);
  });
  return made;
}
