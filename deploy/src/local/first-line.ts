import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { StackPaths } from './config-files.ts';
import { httpGet } from './http.ts';

/**
 * Writes a line that nobody wrote before into a file that the agent tails, and waits until search finds it.
 * @returns milliseconds from written to found
 * @throws MillraceError DEADLINE
 */
export async function sendFirstLine(
  paths: StackPaths,
  url: string,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number> {
  const token = `first${Buffer.from(clock.bytes(8)).toString('hex')}`;
  mkdirSync(paths.self, { recursive: true });
  const line = `${new Date(clock.now()).toISOString()} millrace is up: ${token}\n`;
  appendFileSync(join(paths.self, 'first.log'), line);
  const written = clock.monotonic();
  let last = 'search did not answer';
  while (clock.monotonic() - written < timeoutMs && !signal.aborted) {
    try {
      const { status, body } = await httpGet(`${url}/api/v1/search?q=${token}&from=now-1h&size=1`);
      if (status === 200 && body.includes(token)) return clock.monotonic() - written;
      last = status === 200 ? 'search does not find it' : `search answered ${status}: ${body.slice(0, 200)}`;
    } catch (error) {
      last = messageOf(error);
    }
    await clock.sleep(200, signal);
  }
  throw new MillraceError('DEADLINE', `the test line was not found after ${timeoutMs / 1000} s: ${last}`, {
    hint: `the parts' own words are in ${paths.logs}`,
  });
}
