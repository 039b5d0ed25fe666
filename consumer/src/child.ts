/**
 * One shard's process, started by the MultiLangDaemon through the launcher script:
 * `node child.ts --config FILE --main-pid PID`. Stdin and stdout are the daemon's protocol, everything else goes
 * to stderr.
 */
import { Console } from 'node:console';
import { parseArgs } from 'node:util';
import { createS3 } from '@millrace/archive/s3.ts';
import { createRenderer } from '@millrace/core/document/render.ts';
import { messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import kcl from 'aws-kcl';
import { ShardCounts } from './counters/shard-counts.ts';
import { shardEvents } from './events.ts';
import { createIndexer } from './index/indexer.ts';
import { loadConfig } from './load-config.ts';
import { Horizons } from './retention/horizons.ts';
import { BlockNote } from './shard/block-note.ts';
import { createProcessor } from './shard/processor.ts';
import { Shard } from './shard/shard.ts';

const statusMs = 2_000;
const watchMs = 2_000;

async function main(): Promise<void> {
  // A library that prints would break the protocol.
  globalThis.console = new Console(process.stderr, process.stderr);
  // A signal to the whole group must not take the process away before shutdownRequested: the daemon decides. But it
  // asks only between two calls, so a call that waits has to end.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => shard?.letGo());

  const { values } = parseArgs({ options: { config: { type: 'string' }, 'main-pid': { type: 'string' } } });
  const config = loadConfig(values.config ?? '');
  const log = createLogger('consumer-shard', config.log_level);
  const telemetry = createTelemetry('shard', shardEvents, log);
  const clock = systemClock;
  let shard: Shard | undefined;
  const fail = (error: unknown) => {
    telemetry.emit('shard_failed', {
      shard: shard?.id,
      error: messageOf(error),
      stack: (error as Error)?.stack,
    });
    process.exit(1);
  };
  const objects = createS3(config.archive);
  const store = await createStore(config.store, clock);
  const horizons = new Horizons(store, clock);
  const indexer = createIndexer({ store, clock, telemetry, config: config.index, horizons, guarded: true });
  const counts =
    config.counters &&
    new ShardCounts({ config: config.counters, clock, write: (line) => process.stderr.write(line) });
  const processor = createProcessor({
    clock,
    emit: telemetry.emit,
    drainMs: config.drain_ms,
    fail,
    open(id) {
      const note = new BlockNote(config.state_dir, id);
      if (!note.kept) telemetry.emit('note_unkept', { folder: config.state_dir });
      const renderer = createRenderer();
      shard = new Shard({
        id,
        config,
        objects,
        store,
        indexer,
        clock,
        telemetry,
        renderer,
        note,
        counts,
        fail,
      });
      report(shard).catch(fail);
      return shard;
    },
  });

  /** The main process reads these lines out of the log; see daemon/shard-metrics.ts. */
  async function report({ id }: Shard): Promise<void> {
    for (;;) {
      const metrics = await telemetry.registry.getMetricsAsJSON();
      const status = { event: 'shard_status', shard: id, pid: process.pid, metrics };
      process.stderr.write(`${JSON.stringify(status)}\n`);
      counts?.tell();
      await clock.sleep(statusMs);
    }
  }

  // The daemon is gone, or wants this process gone: it waits for that without a limit.
  process.stdin.on('end', () => {
    const status = {
      event: 'shard_status',
      shard: shard?.id ?? '',
      pid: process.pid,
      metrics: [],
      leaving: true,
    };
    process.stderr.write(`${JSON.stringify(status)}\n`);
    Promise.race([shard?.abandon(), clock.sleep(1_000)]).then(() => process.exit(0), fail);
  });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(1));
  process.on('unhandledRejection', fail);
  process.on('uncaughtException', fail);
  watchMain(Number(values['main-pid']), fail).catch(fail);
  kcl(processor).run();
}

/** Without its main process the daemon would go on unseen: a shard that ends takes it along. */
async function watchMain(pid: number, fail: (error: unknown) => void): Promise<void> {
  while (pid > 0) {
    await systemClock.sleep(watchMs);
    try {
      process.kill(pid, 0);
    } catch {
      fail(new Error(`the main process ${pid} is gone`));
    }
  }
}

await main();
