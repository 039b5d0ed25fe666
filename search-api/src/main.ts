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
import { createGate } from './access/create.ts';
import { idOfKey, makeKey } from './access/key.ts';
import { startAlerts } from './alerts/start.ts';
import { type ArchiveDesk, archiveDesk } from './archive/desk.ts';
import { AuditFile } from './audit/file.ts';
import { loadConfig, type SearchApiConfig } from './config.ts';
import { type Events, events } from './events.ts';
import { withoutArchive } from './find/archive-finder.ts';
import { hotFinder } from './find/finder.ts';
import { keptHorizons } from './find/kept-horizons.ts';
import { LedgerDesk } from './ledger-desk.ts';
import { ReplayJobs } from './replays/jobs.ts';
import { replayProcesses } from './replays/process.ts';
import { createServer } from './server.ts';
import { UnmarkedReader } from './status/unmarked.ts';

const usage = `usage: node search-api/src/main.ts run --config FILE
       node search-api/src/main.ts check --config FILE
       node search-api/src/main.ts key --id ID

run serves the search API and the page, and stops on SIGTERM or SIGINT. check says what is wrong with a
configuration. key makes an API key, and the entry for access.keys that lets it in.
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
  const auditFile =
    config.audit.file === undefined ? undefined : new AuditFile(config.audit.file, telemetry.emit);
  const archive = objects && searchedArchive(config, objects, store, telemetry);
  archive?.start();
  const server = await createServer({
    config,
    store,
    horizons: keptHorizons(store, systemClock),
    finder: archive?.find ?? withoutArchive(hotFinder(store)),
    beside: archive?.beside ?? (async () => undefined),
    ledger,
    unmarked: objects && unmarkedReader(config, objects, store),
    replays,
    gate: createGate(config, store.objects, systemClock),
    auditFile,
    clock: systemClock,
    telemetry,
  });
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
  const alerts = startAlerts(config, store, systemClock, telemetry.emit);
  await stop;
  const alertsEnded = alerts?.close();
  const closed = new AbortController();
  const cut = systemClock.sleep(drainMsMax, closed.signal).then(() => server.server.closeAllConnections());
  await server.close();
  closed.abort();
  await cut;
  await auditFile?.close();
  await alertsEnded;
  await replays?.close();
  await archive?.close();
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

function searchedArchive(
  { archive, archive_search: config }: SearchApiConfig,
  objects: ObjectStore,
  store: Store,
  telemetry: Telemetry<Events>,
): ArchiveDesk {
  const onFailure = (error: unknown) => telemetry.emit('archive_gaps_unknown', { reason: messageOf(error) });
  const prefix = archive?.prefix ?? '';
  const bucket = archive === undefined ? {} : { bucket: archive };
  const desk = archiveDesk({ config, objects, ...bucket, prefix, store, clock: systemClock, onFailure });
  telemetry.gauge('archive_scans_running', 'Threads that look into archive objects', () => desk.pool.busy);
  telemetry.gauge(
    'archive_scans_waiting',
    'Parts of archive objects that wait for one',
    () => desk.pool.queued,
  );
  return desk;
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

function unmarkedReader({ archive }: SearchApiConfig, objects: ObjectStore, store: Store): UnmarkedReader {
  return new UnmarkedReader({ objects, prefix: archive?.prefix ?? '', store, clock: systemClock });
}

/** What `key` prints; the key itself is written nowhere else. */
function newKey(id: string): string {
  const { key, sha256 } = makeKey(id, systemClock);
  if (idOfKey(key) === undefined)
    throw new MillraceError('USAGE', 'key: --id is 1 to 64 letters, digits or -');
  const entry = JSON.stringify({ id, sha256, scopes: ['search'] });
  return `${key}\n\nThis is the only time that the key is shown. In search-api.json, under access.keys:\n\n${entry}\n`;
}

/** Exit codes: 0 stopped as asked, 2 usage or configuration, 1 anything else. */
async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        id: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    const [command] = positionals;
    if (positionals.length === 1 && command === 'key') {
      process.stdout.write(newKey(values.id ?? ''));
      return 0;
    }
    const known = command === 'run' || command === 'check';
    if (positionals.length !== 1 || !known || values.config === undefined)
      throw new MillraceError('USAGE', 'expected: run --config FILE, check --config FILE, or key --id ID');
    if (command === 'check') {
      loadConfig(values.config);
      process.stdout.write(`${values.config} is valid\n`);
      return 0;
    }
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
