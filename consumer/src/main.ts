import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { runConsumer } from './consumer.ts';
import { loadConfig } from './load-config.ts';

const usage = `usage: node consumer/src/main.ts run --config FILE

Consumes the stream: archives its blocks to S3 and indexes their events. Stops on SIGTERM or SIGINT.
`;

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
    if (positionals.length !== 1 || positionals[0] !== 'run' || values.config === undefined) {
      throw new MillraceError('USAGE', 'expected: run --config FILE');
    }
    const config = loadConfig(values.config);
    const log = createLogger('consumer', config.log_level);
    const stop = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
    await runConsumer({
      config,
      configFile: values.config,
      env: process.env,
      host: hostname(),
      clock: systemClock,
      log,
      signal: stop.signal,
    });
    return 0;
  } catch (error) {
    const wrongArguments = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
    const hint = isMillraceError(error) && error.hint !== undefined ? `\n${error.hint}` : '';
    process.stderr.write(`${messageOf(error)}${hint}\n${wrongArguments ? usage : ''}`);
    const refused = isMillraceError(error, 'USAGE') || isMillraceError(error, 'CONFIG_INVALID');
    return refused || wrongArguments ? 2 : 1;
  }
}

process.exit(await main(process.argv.slice(2)));
