import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import type { BulkResult } from '@millrace/core/store/port.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { type IndexerConfig, IndexerConfigSchema } from '../index/config.ts';
import { indexerEvents } from '../index/events.ts';
import { createIndexer } from '../index/indexer.ts';
import { type FakeStore, fakeStore } from './fake-store.ts';

export const index = 'millrace-app-2026.11.22';
export const overloaded: BulkResult = { kind: 'retry', status: 429, reason: 'queue full' };
export const blocked: BulkResult = { kind: 'retry', status: 403, reason: 'read-only' };
export const rejected: BulkResult = {
  kind: 'rejected',
  status: 400,
  type: 'mapper_parsing',
  reason: 'bad field',
};

/** An indexer on a fake store and a virtual clock, with ways to read its metrics. */
export function indexerBench(t: TestContext, overrides: Partial<IndexerConfig> = {}, seed = 1) {
  const store = fakeStore();
  const clock = virtualClock(undefined, seed);
  const telemetry = createTelemetry('test', indexerEvents, createLogger('test', 'silent'));
  const config = validateConfig(IndexerConfigSchema, overrides, 'test');
  const indexer = createIndexer({ store, clock, telemetry, config, guarded: true });
  t.after(() => indexer.close());
  const read = async (name: string) => {
    const metric = await telemetry.registry.getSingleMetric(`millrace_test_${name}`)?.get();
    return metric?.values[0]?.value;
  };
  const names = {
    deferred: 'documents_deferred',
    accepted: 'documents_accepted',
    down: 'store_down',
  } as const;
  const more = {
    up: 'store_up',
    shrunk: 'bodies_shrunk',
    fallback: 'documents_fallback',
    missing: 'documents_missing',
  };
  const events: Record<string, string> = { ...names, ...more };
  return {
    store,
    clock,
    indexer,
    gauge: read,
    counters: (...wanted: string[]) => Promise.all(wanted.map((name) => read(`${events[name]}_total`))),
  };
}

/** Moves time on until a promise is settled. */
export async function drained<T>(clock: ReturnType<typeof virtualClock>, promise: Promise<T>): Promise<T> {
  let settled = false;
  const watch = promise.finally(() => {
    settled = true;
  });
  for (let i = 0; i < 2000 && !settled; i++) await clock.advance(500);
  assert.ok(settled, 'still waiting after 1,000 s');
  return watch;
}

export function doc(n: number, message = `line ${n}`): RenderedDocument {
  const source = `{"@timestamp":"2026-11-22T10:00:00Z","message":"${message}","n":${n},"event":{"generation":"g"}}`;
  return { index, id: `${'A'.repeat(29)}${String(n).padStart(6, '0')}`, source };
}

export function docs(from: number, to: number, message?: string): RenderedDocument[] {
  return Array.from({ length: to - from + 1 }, (_, i) => doc(from + i, message));
}

export function sizes(store: FakeStore): number[] {
  return store.bulks.map((bulk) => bulk.length);
}

export function one(results: BulkResult[]): BulkResult {
  const [result] = results;
  assert.ok(result);
  return result;
}
