import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsTimeouts } from '@millrace/archive/aws-timeouts.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { createRenderer, type Renderer } from '@millrace/core/document/render.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { startHealthServer } from '@millrace/core/telemetry/health-server.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { runArchiveKeeper } from './archive/keep/run-keeper.ts';
import type { ConsumerConfig } from './config.ts';
import { counterTelemetry } from './counters/events.ts';
import { CountPublisher } from './counters/publish.ts';
import { BlockWatch } from './daemon/block-watch.ts';
import { Daemon } from './daemon/daemon.ts';
import { LeaseWatch, readLeases } from './daemon/lease-watch.ts';
import { stopOrphan } from './daemon/orphan.ts';
import { watchOwnBlocks } from './daemon/own-watch.ts';
import { prepareDaemon } from './daemon/prepare.ts';
import { shutdownMarginMs } from './daemon/properties.ts';
import { seedLeases } from './daemon/seed-leases.ts';
import { ShardMetrics } from './daemon/shard-metrics.ts';
import { listShards } from './daemon/shards.ts';
import { lockState } from './daemon/state-lock.ts';
import { workerId } from './daemon/worker-id.ts';
import { type ConsumerTelemetry, consumerEvents } from './events.ts';
import { runStoreFiller } from './filler/store-filler.ts';
import { watchedRenderer } from './filler/watched-renderer.ts';
import { persist } from './persist.ts';
import { runRetention } from './retention/timer.ts';
import { BlockNote } from './shard/block-note.ts';

export interface ConsumerOptions {
  config: ConsumerConfig;
  configFile: string;
  /** For the daemon and its shards: credentials are in it. */
  env: NodeJS.ProcessEnv;
  host: string;
  clock: Clock;
  log: Logger;
  /** Ends the consumer gracefully. */
  signal: AbortSignal;
}

/**
 * The main process: keeps the MultiLangDaemon running, fills what has no mark, serves health and metrics. Resolves
 * when the signal ended it.
 * @throws MillraceError PORT_TAKEN, STATE_LOCKED, ENGINE_MISSING, STATE_UNWRITABLE, CONFIG_INVALID (no such bucket)
 */
export async function runConsumer(options: ConsumerOptions): Promise<void> {
  const { config, clock, log, signal } = options;
  const telemetry = createTelemetry('consumer', consumerEvents, log);
  const shards = new ShardMetrics(clock);
  const counts = countsOf(options);
  const beside = storesBeside(options);
  const objects = createS3(config.archive);
  const dynamo = new DynamoDBClient({
    region: config.stream.region,
    requestHandler: new NodeHttpHandler(awsTimeouts(10_000)),
    ...(config.leases.endpoint ? { endpoint: config.leases.endpoint } : {}),
  });
  makeFolder(config.state_dir);
  lockState(config.state_dir);
  const worker = workerId(config.state_dir, options.host);
  const { args, propertiesFile } = prepareDaemon(config, resolve(options.configFile), worker);
  const blocks = new BlockWatch(config.state_dir, clock, config.block_ms_max);
  const daemon = new Daemon({
    bin: config.java.bin,
    args,
    folder: config.state_dir,
    env: options.env,
    clock,
    telemetry,
    shards,
    stopMsMax: config.drain_ms + shutdownMarginMs + 5_000,
    hanging: () => blocks.hanging(),
    onLine: (line) => {
      if (!shards.take(line) && counts?.publisher.take(line) !== true) passOn(log, line);
    },
  });
  const renderer = watchedRenderer(createRenderer(), new BlockNote(config.state_dir, 'main'));
  const endWatch = watchOwnBlocks({
    stateDir: config.state_dir,
    msMax: config.block_ms_max,
    logLevel: config.log_level,
  });
  telemetry.gauge('shards', 'Shards that this worker processes.', () => shards.shards().length);
  const http = await startHealthServer({
    ...config.http,
    notReady: () => notReady(daemon, shards),
    metrics: async () =>
      (await metricsOf([{ telemetry }, ...beside, ...(counts ? [counts] : [])])) + shards.text(),
  });
  try {
    const orphan = await stopOrphan(config.state_dir, propertiesFile, clock);
    if (orphan !== undefined) telemetry.emit('orphan_stopped', { daemon_pid: orphan });
    const stale = blocks.stopStale();
    if (stale.length > 0) telemetry.emit('shards_stale', { pids: stale });
    await requireBucket(objects, options, telemetry);
    await seed(options, dynamo, telemetry);
    const running = signal.aborted ? Promise.resolve() : daemon.run();
    const stopped = onceAborted(signal).then(() => daemon.stop());
    telemetry.emit('consumer_started', { worker });
    const filling = fill(options, { objects, dynamo, worker, telemetry, renderer }, beside);
    const counting = counts?.publisher.run(signal);
    const watching = new LeaseWatch({
      leases: (end) => readLeases(dynamo, config.application, end),
      failoverMs: config.leases.failover_ms,
      clock,
      telemetry,
    }).run(signal);
    await Promise.race([running, filling]);
    await Promise.all([running, stopped, filling, watching, counting]);
    telemetry.emit('consumer_stopped');
  } finally {
    counts?.publisher.publish();
    await endWatch();
    http.close();
    http.closeAllConnections();
    objects.close();
    dynamo.destroy();
  }
}

async function metricsOf(parts: { telemetry: Pick<ConsumerTelemetry, 'registry'> }[]): Promise<string> {
  return (await Promise.all(parts.map(({ telemetry }) => telemetry.registry.metrics()))).join('');
}

/** Counts of events, where they are asked for. */
function countsOf({ config, clock, log }: ConsumerOptions) {
  if (config.counters === undefined) return undefined;
  const telemetry = counterTelemetry(log);
  return { telemetry, publisher: new CountPublisher({ config: config.counters, clock, telemetry }) };
}

/** The further stores, each with metrics of its own. */
function storesBeside({ config, log }: ConsumerOptions) {
  return config.stores.map(({ name, store }) => ({
    name,
    store,
    lock: `filler-${name}`,
    telemetry: createTelemetry(`filler_${name}`, consumerEvents, log.child({ store: name })),
  }));
}

interface FillParts {
  objects: ObjectStore;
  dynamo: DynamoDBClient;
  worker: string;
  telemetry: ConsumerTelemetry;
  renderer: Renderer;
}

/** Keeps the store whole, and those beside it, and looks after the archive. Archiving waits for none of them. */
async function fill(
  { config, clock, signal }: ConsumerOptions,
  parts: FillParts,
  beside: ReturnType<typeof storesBeside>,
): Promise<void> {
  const base = { config, clock, ...parts };
  const stores = [{ store: config.store, lock: 'filler', telemetry: parts.telemetry }, ...beside];
  await Promise.all([
    ...stores.map(async ({ store, ...own }) => {
      const [filled, kept] = await Promise.all([createStore(store, clock), createStore(store, clock)]);
      try {
        await Promise.all([
          runStoreFiller({ ...base, ...own, store: filled }, signal),
          runRetention({ ...base, ...own, store: kept }, signal),
        ]);
      } finally {
        await Promise.all([filled.close(), kept.close()]);
      }
    }),
    runArchiveKeeper(base, signal),
  ]);
}

/** Writes the leases of a new stream. Only a help for the first start, so any failure is just told. */
async function seed(
  { config, clock, signal }: ConsumerOptions,
  dynamo: DynamoDBClient,
  telemetry: ConsumerTelemetry,
): Promise<void> {
  try {
    const leases = await seedLeases(
      dynamo,
      config.application,
      () => listShards(config.stream, signal),
      clock,
      signal,
    );
    if (leases > 0) telemetry.emit('leases_seeded', { leases });
  } catch (error) {
    if (!signal.aborted) telemetry.emit('leases_not_seeded', { error: messageOf(error) });
  }
}

async function requireBucket(
  objects: ObjectStore,
  { config, clock, signal }: ConsumerOptions,
  telemetry: ConsumerTelemetry,
): Promise<void> {
  const found = await persist(
    clock,
    signal,
    (error) => telemetry.emit('archive_waiting', { error }),
    () => objects.bucketExists(signal),
  );
  if (found === false) {
    throw new MillraceError('CONFIG_INVALID', `archive.bucket: there is no bucket ${config.archive.bucket}`, {
      hint: 'create it, or correct archive.bucket and archive.endpoint',
    });
  }
}

/** A worker may rightly have no shard (more workers than shards), so it is ready after a while in any case. */
function notReady(daemon: Daemon, shards: ShardMetrics): string | undefined {
  if (daemon.pid === undefined) return 'the MultiLangDaemon is not running';
  if (shards.shards().length > 0 || daemon.upMs > 60_000) return undefined;
  return 'no shard is being processed yet';
}

/** A shard's log lines are JSON already; the daemon's own are not. */
function passOn(log: Logger, line: string): void {
  if (line.startsWith('{')) process.stderr.write(`${line}\n`);
  else if (line.trim() !== '') log[line.startsWith('ERROR') ? 'warn' : 'debug']({ source: 'kcl' }, line);
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new MillraceError('STATE_UNWRITABLE', `${folder}: ${messageOf(cause)}`, { cause });
  }
}

function onceAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve: done } = Promise.withResolvers<void>();
  if (signal.aborted) done();
  else signal.addEventListener('abort', () => done(), { once: true });
  return promise;
}
