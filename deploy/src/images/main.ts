/** What images need besides the programs: see `usage`. */
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createStream } from '../local/stream.ts';
import { fetchJars } from './jars.ts';

const usage = `usage: node deploy/src/images/main.ts jars kcl|s3mock FOLDER
       node deploy/src/images/main.ts stream URL NAME SHARDS

jars puts the jars into a folder that does not exist yet, when an image is built. stream makes the stream of a stand-in,
unless it is there.
`;

/** Exit codes: 0 done, 2 usage, 1 anything else. */
async function main([command, ...args]: string[]): Promise<number> {
  try {
    await run(command, args);
    return 0;
  } catch (error) {
    const hint = isMillraceError(error) && error.hint !== undefined ? `\n  ${error.hint}` : '';
    process.stderr.write(`${messageOf(error)}${hint}\n`);
    return isMillraceError(error, 'USAGE') ? 2 : 1;
  }
}

async function run(command: string | undefined, args: string[]): Promise<void> {
  const [first, second, third] = args;
  if (
    command === 'jars' &&
    args.length === 2 &&
    (first === 'kcl' || first === 's3mock') &&
    second !== undefined
  )
    return fetchJars(first, second, process.env, systemClock, () => undefined);
  if (
    command === 'stream' &&
    first !== undefined &&
    second !== undefined &&
    /^[1-9]\d{0,3}$/.test(third ?? '')
  )
    return createStream(first, second, Number(third), systemClock);
  throw new MillraceError('USAGE', 'neither jars nor stream', { hint: usage });
}

process.exitCode = await main(process.argv.slice(2));
