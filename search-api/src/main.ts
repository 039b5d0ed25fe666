import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openLedger } from '@millrace/archive/ledger/open.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { createS3 } from '@millrace/archive/s3.ts';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createStore } from '@millrace/core/store/create.ts';
import type { Store } from '@millrace/core/store/port.ts';
import { createTelemetry, type Telemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { loadConfig, type SearchApiConfig } from './config.ts';
import { type Events, events } from './events.ts';
import { LedgerDesk } from './ledger-desk.ts';
import { ReplayJobs } from './replays/jobs.ts';
import { replayProcesses } from './replays/process.ts';
import { createServer } from './server.ts';

const usage = `usage: node search-api/src/main.ts run --config FILE

Serves the search API and the page. Stops on SIGTERM or SIGINT.
`;

/** Requests that are running when asked to stop have this long to end. */
const drainMsMax = 5000;

/** Resolves when asked to stop and stopped. */
async function run(file: string): Promise<void> {
  const config = loadConfig(file);
  const telemetry = createTelemetry('search-api', events, createLogger('search-api', config.log_level));
  const store = await createStore(config.store);
  const objects = config.archive ? createS3(config.archive) : undefined;
  const ledger = objects && ledgerDesk(config, objects, store);
  const replays = config.replays && replayJobs(config.replays, telemetry.emit);
  const server = await createServer({ config, store, ledger, replays, clock: systemClock, telemetry });
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const { host, port } = config.http;
  const address = await server.listen({ host, port }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EADDRINUSE') throw cause;
    throw new MillraceError('PORT_TAKEN', `${host}:${port} is in use`, {
      cause,
      hint: 'stop the process that listens there, or configure another http.port',
    });
  });
  telemetry.emit('started', { address });
  await stop;
  const closed = new AbortController();
  const cut = systemClock.sleep(drainMsMax, closed.signal).then(() => server.server.closeAllConnections());
  await server.close();
  closed.abort();
  await cut;
  await replays?.close();
  await store.close();
  objects?.close();
  telemetry.emit('stopped');
}

function replayJobs(
  config: NonNullable<SearchApiConfig['replays']>,
  emit: Telemetry<Events>['emit'],
): ReplayJobs {
  const beside = fileURLToPath(new URL('../../consumer/src/main.ts', import.meta.url));
  return new ReplayJobs({
    stateDir: config.state_dir,
    queueMax: config.queue_max,
    keptMax: config.kept_max,
    start: replayProcesses(config.program ?? beside, config.config),
    clock: systemClock,
    emit,
  });
}

function ledgerDesk({ archive, ledger }: SearchApiConfig, objects: ObjectStore, store: Store): LedgerDesk {
  const book = openLedger({
    objects,
    prefix: archive?.prefix ?? '',
    store,
    clock: systemClock,
    memoryBytesMax: ledger.memory_bytes_max,
    filesMax: ledger.files_max,
    // Who serves searches need not be allowed to write into the bucket.
    manifests: 'read',
    keep: true,
  });
  return new LedgerDesk({
    read: (request) => book.read(request),
    clock: systemClock,
    freshMs: ledger.fresh_ms,
  });
}

/** Exit codes: 0 stopped as asked, 2 usage or configuration, 1 anything else. */
async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    if (positionals.length !== 1 || positionals[0] !== 'run' || values.config === undefined)
      throw new MillraceError('USAGE', 'expected: run --config FILE');
    await run(values.config);
    return 0;
  } catch (error) {
    const hint = isMillraceError(error) && error.hint !== undefined ? `\n  ${error.hint}` : '';
    const badArgs = String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    const usageError = badArgs || isMillraceError(error, 'USAGE');
    process.stderr.write(`search-api: ${messageOf(error)}${hint}\n${usageError ? usage : ''}`);
    return usageError || isMillraceError(error, 'CONFIG_INVALID') ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
