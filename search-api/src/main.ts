import { parseArgs } from 'node:util';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { loadConfig } from './config.ts';
import { events } from './events.ts';
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
  const store = createStore(config.store);
  const server = await createServer({ config, store, clock: systemClock, telemetry });
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
  await store.close();
  telemetry.emit('stopped');
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
