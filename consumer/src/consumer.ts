import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsTimeouts } from '@millrace/archive/aws-timeouts.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { type Backoff, backoffMs } from '@millrace/core/runtime/backoff.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { startHealthServer } from '@millrace/core/telemetry/health-server.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { ConsumerConfig } from './config.ts';
import { Daemon } from './daemon/daemon.ts';
import { stopOrphan } from './daemon/orphan.ts';
import { prepareDaemon } from './daemon/prepare.ts';
import { shutdownMarginMs } from './daemon/properties.ts';
import { ensureTable, seedLeases } from './daemon/seed-leases.ts';
import { ShardMetrics } from './daemon/shard-metrics.ts';
import { listShards } from './daemon/shards.ts';
import { lockState } from './daemon/state-lock.ts';
import { workerId } from './daemon/worker-id.ts';
import { type ConsumerTelemetry, consumerEvents } from './events.ts';
import { dynamoLockItem } from './filler/dynamo-lock-item.ts';
import { fillObject } from './filler/fill-object.ts';
import { Filler, lockExpiryMs } from './filler/filler.ts';
import { createLock } from './filler/lock.ts';
import { createIndexer } from './index/indexer.ts';

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

const patience: Backoff = { baseMs: 250, maxMs: 5_000 };

/**
 * The main process: keeps the MultiLangDaemon running, fills what has no mark, serves health and metrics. Resolves
 * when the signal ended it.
 * @throws MillraceError PORT_TAKEN, STATE_LOCKED, ENGINE_MISSING, STATE_UNWRITABLE, CONFIG_INVALID (no such bucket)
 */
export async function runConsumer(options: ConsumerOptions): Promise<void> {
  const { config, clock, log, signal } = options;
  const telemetry = createTelemetry('consumer', consumerEvents, log);
  const shards = new ShardMetrics(clock);
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
  const daemon = new Daemon({
    bin: config.java.bin,
    args,
    folder: config.state_dir,
    env: options.env,
    clock,
    telemetry,
    shards,
    stopMsMax: config.drain_ms + shutdownMarginMs + 5_000,
    onLine: (line) => {
      if (!shards.take(line)) passOn(log, line);
    },
  });
  telemetry.gauge('shards', 'Shards that this worker processes.', () => shards.shards().length);
  const http = await startHealthServer({
    ...config.http,
    notReady: () => notReady(daemon, shards),
    metrics: async () => (await telemetry.registry.metrics()) + shards.text(),
  });
  try {
    const orphan = await stopOrphan(config.state_dir, propertiesFile, clock);
    if (orphan !== undefined) telemetry.emit('orphan_stopped', { daemon_pid: orphan });
    await requireBucket(objects, options, telemetry);
    await seed(options, dynamo, telemetry);
    const running = signal.aborted ? Promise.resolve() : daemon.run();
    const stopped = onceAborted(signal).then(() => daemon.stop());
    telemetry.emit('consumer_started', { worker });
    const filling = fill(options, objects, dynamo, worker, telemetry);
    await Promise.race([running, filling]);
    await Promise.all([running, stopped, filling]);
    telemetry.emit('consumer_stopped');
  } finally {
    http.close();
    http.closeAllConnections();
    objects.close();
    dynamo.destroy();
  }
}

/** Installs the templates, then runs the filler until the signal. Archiving waits for neither. */
async function fill(
  { config, clock, signal }: ConsumerOptions,
  objects: ObjectStore,
  dynamo: DynamoDBClient,
  worker: string,
  telemetry: ConsumerTelemetry,
): Promise<void> {
  const store = createStore(config.store, clock);
  const table = `${config.application}_locks`;
  await persist(
    clock,
    signal,
    (error) => telemetry.emit('store_waiting', { error }),
    () => store.install(signal),
  );
  if (!signal.aborted) telemetry.emit('store_ready', {});
  await persist(
    clock,
    signal,
    (error) => telemetry.emit('filler_failed', { error }),
    () => ensureTable(dynamo, table, 'name', clock),
  );
  const indexer = createIndexer({ store, clock, telemetry, config: config.index });
  const bounds = { readBytes: config.filler.read_bytes, giveUpMs: config.index.give_up_ms };
  const work = {
    objects,
    store,
    indexer,
    clock,
    renderer: createRenderer(),
    emit: telemetry.emit,
    ...bounds,
  };
  const filler = new Filler({
    config: config.filler,
    prefix: config.archive.prefix,
    hotDays: config.hot_days,
    objects,
    store,
    clock,
    telemetry,
    lock: createLock(dynamoLockItem(dynamo, table, 'filler'), worker, lockExpiryMs, clock),
    fill: (key, bytes, ended) => fillObject(work, key, bytes, ended),
  });
  await filler.run(signal);
  await indexer.close();
  await store.close();
}

/** Writes the leases of a new stream. Only a help for the first start, so any failure is just told. */
async function seed(
  { config, clock }: ConsumerOptions,
  dynamo: DynamoDBClient,
  telemetry: ConsumerTelemetry,
): Promise<void> {
  try {
    const leases = await seedLeases(dynamo, config.application, () => listShards(config.stream), clock);
    if (leases > 0) telemetry.emit('leases_seeded', { leases });
  } catch (error) {
    telemetry.emit('leases_not_seeded', { error: messageOf(error) });
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

/** Tries until it works or the signal ends it; undefined then. */
async function persist<T>(
  clock: Clock,
  signal: AbortSignal,
  report: (error: string) => void,
  work: () => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return undefined;
      report(messageOf(error));
    }
    await clock.sleep(backoffMs(patience, attempt, clock.random), signal);
  }
  return undefined;
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
