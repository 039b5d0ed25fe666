import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import type { Context } from '../context.ts';
import { events } from '../events.ts';
import { type Api, createServer } from '../server.ts';
import { createFakeStore, type FakeDocument, type FakeStore } from './fake-store.ts';

/** Answers are looked at member by member; what is missing fails the assertion. */
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests assert
type AnyJson = any;

export interface TestServer {
  api: Api;
  store: FakeStore;
  /** Milliseconds since 1970; tests may move it. */
  clock: { nowMs: number };
  /** GET, with the parsed body. */
  get(url: string): Promise<{ status: number; body: AnyJson; headers: Record<string, unknown> }>;
}

export const testNowMs = Date.UTC(2026, 10, 22, 10, 30);

export async function createTestServer(
  documents: FakeDocument[] = [],
  config: Partial<Context['config']> = {},
  ledger?: Context['ledger'],
  replays?: Context['replays'],
): Promise<TestServer> {
  const store = createFakeStore(documents);
  const time = { nowMs: testNowMs };
  const api = await createServer({
    store,
    ledger,
    replays,
    clock: { ...systemClock, now: () => time.nowMs },
    telemetry: createTelemetry('search-api', events, createLogger('search-api', 'silent')),
    config: {
      http: { host: '127.0.0.1', port: 0, allowed_hosts: [] },
      request_timeout_ms: 5000,
      requests_max: 64,
      log_level: 'info',
      ...config,
    },
  });
  return {
    api,
    store,
    clock: time,
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
