import { validateConfig } from '@millrace/core/config/validate.ts';
import { type Clock, systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { type Access, unlimitedAccess } from '../access/access.ts';
import { SearchApiConfigSchema } from '../config.ts';
import type { Context } from '../context.ts';
import { events } from '../events.ts';
import { withoutArchive } from '../find/archive-finder.ts';
import { hotFinder } from '../find/finder.ts';
import { keptHorizons } from '../find/kept-horizons.ts';
import { type Api, createServer } from '../server.ts';
import { createFakeStore, type FakeDocument, type FakeStore } from './fake-store.ts';

/** Answers are looked at member by member; what is missing fails the assertion. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests assert
type AnyJson = any;

export interface TestServer {
  api: Api;
  store: FakeStore;
  /** Milliseconds since 1970; tests may move it. */
  clock: { nowMs: number; sleep: Clock['sleep'] };
  /** Who sends the requests that follow; tests may exchange it. */
  asker: { access: Access };
  /** GET, with the parsed body. */
  get(url: string): Promise<{ status: number; body: AnyJson; headers: Record<string, unknown> }>;
}

export const testHttp: Context['config']['http'] = {
  host: '127.0.0.1',
  port: 0,
  allowed_hosts: [],
  base_path: '',
  trusted_proxies: [],
  keep_alive_ms: 72_000,
};

export const testNowMs = Date.UTC(2026, 10, 22, 10, 30);

/** What the schema fills in. */
function defaultConfig(): Context['config'] {
  const least = { http: { port: 0 }, store: { type: 'opensearch', node: 'http://127.0.0.1:1' } };
  return validateConfig(SearchApiConfigSchema, least, 'test');
}

export const testLimits = defaultConfig().limits;

export const testAlerts: Context['config']['alerts'] = {
  ...defaultConfig().alerts,
  allowed_hosts: ['hooks.example.com'],
  max: 10,
  notice_timeout_ms: 1_000,
  notice_attempts_max: 3,
};

export async function createTestServer(
  documents: FakeDocument[] = [],
  config: Partial<Context['config']> = {},
  ledger?: Context['ledger'],
  replays?: Context['replays'],
  unmarked?: Context['unmarked'],
  more: Partial<Context> = {},
): Promise<TestServer> {
  const store = createFakeStore(documents);
  const time = { nowMs: testNowMs, sleep: systemClock.sleep };
  const asker = { access: unlimitedAccess('loopback') };
  const api = await createServer({
    store,
    horizons: keptHorizons(store, systemClock),
    finder: withoutArchive(hotFinder(store)),
    beside: async () => undefined,
    ledger,
    replays,
    unmarked,
    gate: { closed: false, cookie: '', identify: async () => ({ access: asker.access }) },
    clock: { ...systemClock, now: () => time.nowMs, sleep: (ms, signal) => time.sleep(ms, signal) },
    telemetry: createTelemetry('search-api', events, createLogger('search-api', 'silent')),
    ...more,
    config: {
      ...defaultConfig(),
      http: testHttp,
      rate_limit: { per_minute: 1000, failures_per_minute: 10, subjects_max: 100 },
      request_timeout_ms: 5000,
      alerts: testAlerts,
      saved: { max: 20 },
      export: { rows_max: 10_000, running_max: 4, parallel: 2, time_ms_max: 60_000 },
      ...config,
    },
  });
  return {
    api,
    store,
    clock: time,
    asker,
    async get(url) {
      const response = await api.inject({ method: 'GET', url, headers: { host: 'localhost' } });
      const json = String(response.headers['content-type']).includes('json');
      return {
        status: response.statusCode,
        body: json ? response.json() : response.body,
        headers: response.headers,
      };
    },
  };
}
