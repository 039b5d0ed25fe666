import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { engineAdmin } from '@millrace/core/store/conformance-admin.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { storeVersions } from '@millrace/deploy/local/engines/versions.ts';
import { type IndexerConfig, IndexerConfigSchema } from '../../consumer/src/index/config.ts';
import { indexerEvents } from '../../consumer/src/index/events.ts';
import { createIndexer } from '../../consumer/src/index/indexer.ts';
import { eventually } from '../harness/stack.ts';
import { startStoreEngine } from '../harness/store-engine.ts';

// Limits so low that an ordinary load meets them: bodies of 1 MB, and 2 MB of documents under way.
const settings = { 'http.max_content_length': '1mb', 'indexing_pressure.memory.limit': '2mb' };
const engine = await startStoreEngine('elasticsearch', storeVersions.elasticsearch[1], { settings });
const config = validateConfig(StoreConfigSchema, { type: 'elasticsearch', node: engine.node }, 'test');
const store = await createStore(config);
const admin = engineAdmin(engine.node);
await store.install();
after(async () => {
  await store.close();
  await engine.stop();
});

test('bodies larger than the engine takes are cut until they fit, a document that never fits is truncated', async () => {
  const bench = indexerOn({ body_bytes_max: 8 * 1024 * 1024 });
  const group = bench.indexer.group('some/object.mlr');
  await bench.indexer.add(documents('large', 3000, 2000), group);
  const [huge] = documents('large', 1, 2_000_000, 5000);
  assert.ok(huge);
  await bench.indexer.add([huge], group, 'b1');
  group.seal();
  const result = await group.done;
  assert.deepEqual([result?.events, result?.indexed], [3001, 3001]);
  assert.deepEqual(
    result?.exceptions.map(({ id, outcome, block }) => [id, outcome, block]),
    [[huge.id, 'fallback', 'b1']],
  );
  assert.ok((await bench.total('bodies_shrunk')) >= 2);
  assert.equal(await counted('large'), 3001);
  const cut = await admin.rest('GET', `/${huge.index}/_doc/${huge.id}`);
  const { message, archive } = cut._source as { message: string; archive: unknown };
  assert.equal(message.length, 8192);
  assert.deepEqual(archive, { object: 'some/object.mlr', block: 'b1' });
  await bench.indexer.close();
});

test('an engine under pressure answers 429: all is indexed once, with fewer requests at a time', async () => {
  const bench = indexerOn({
    body_bytes_max: 900_000,
    requests_max: 16,
    retry: { base_ms: 50, max_ms: 1000 },
  });
  const group = bench.indexer.group();
  for (let i = 0; i < 20; i++) await bench.indexer.add(documents('pressed', 1000, 1000, i * 1000), group);
  group.seal();
  assert.deepEqual(await group.done, { events: 20_000, indexed: 20_000, exceptions: [] });
  assert.equal(await counted('pressed'), 20_000);
  assert.ok((await bench.total('bulk_retries')) > 0, 'nothing was ever put off');
  await bench.indexer.close();
});

test('a flood-stage block waits with one alarm and goes on by itself', async () => {
  const bench = indexerOn({ retry: { base_ms: 50, max_ms: 200 } });
  const [first, ...rest] = documents('flooded', 100, 100);
  assert.ok(first);
  const opened = bench.indexer.group();
  await bench.indexer.add([first], opened);
  opened.seal();
  await opened.done;
  await admin.block(first.index, 'read_only_allow_delete', true);
  const group = bench.indexer.group();
  await bench.indexer.add(rest, group);
  group.seal();
  await eventually('the alarm', 20, async () =>
    (await bench.total('indices_blocked')) > 0 ? true : undefined,
  );
  await admin.block(first.index, 'read_only_allow_delete', false);
  assert.deepEqual(await group.done, { events: 99, indexed: 99, exceptions: [] });
  assert.deepEqual([await bench.total('indices_blocked'), await bench.total('store_down')], [1, 0]);
  await bench.indexer.close();
});

test('the shard limit is waited for, not held against documents', async () => {
  const bench = indexerOn({ retry: { base_ms: 50, max_ms: 200 } });
  await admin.shardLimit(1);
  const group = bench.indexer.group();
  await bench.indexer.add(documents('late', 10, 100), group);
  group.seal();
  await eventually('a retry', 20, async () => ((await bench.total('bulk_retries')) > 0 ? true : undefined));
  await admin.shardLimit(null);
  assert.deepEqual(await group.done, { events: 10, indexed: 10, exceptions: [] });
  await bench.indexer.close();
});

test('a document that the mapping refuses is indexed in the fallback shape', async () => {
  const bench = indexerOn({});
  const [bad, good] = documents('mapped', 2, 10);
  assert.ok(bad && good);
  const group = bench.indexer.group();
  const source = bad.source.replace('"@timestamp":"2026', '"@timestamp":"someday 2026');
  await bench.indexer.add([{ ...bad, source }, good], group);
  group.seal();
  const result = await group.done;
  assert.deepEqual(
    [result?.indexed, result?.exceptions.map(({ id, outcome }) => [id, outcome])],
    [2, [[bad.id, 'fallback']]],
  );
  assert.equal(await counted('mapped'), 2);
  await bench.indexer.close();
});

function indexerOn(overrides: Partial<IndexerConfig>) {
  const telemetry = createTelemetry('bulk', indexerEvents, createLogger('bulk', 'silent'));
  const checked = validateConfig(IndexerConfigSchema, overrides, 'test');
  const indexer = createIndexer({ store, clock: systemClock, telemetry, config: checked });
  const total = async (name: string) => {
    const metric = await telemetry.registry.getSingleMetric(`millrace_bulk_${name}_total`)?.get();
    return metric?.values[0]?.value ?? 0;
  };
  return { indexer, total };
}

function documents(name: string, count: number, bytes: number, from = 0): RenderedDocument[] {
  return Array.from({ length: count }, (_, i) => ({
    index: `millrace-bulk_${name}-2026.11.22`,
    id: `${name}-${from + i}`,
    source: `{"@timestamp":"2026-11-22T10:00:00Z","message":"${'x '.repeat(bytes / 2)}","event":{"generation":"g"}}`,
  }));
}

async function counted(name: string): Promise<number> {
  await store.refresh();
  const { count } = await admin.rest('GET', `/millrace-bulk_${name}-*/_count`);
  return Number(count);
}
