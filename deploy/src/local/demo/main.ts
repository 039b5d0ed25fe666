/** Writes the demo's logs until it is stopped: `node main.ts FOLDER`. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { accessLine, appRecord, jsonLine, type Random } from './lines.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new TypeError('usage: main.ts FOLDER');
mkdirSync(folder, { recursive: true });

/** Lines a second, on average, of each file. */
const files = [
  { name: 'access.log', rate: 20, line: accessLine },
  { name: 'app.log', rate: 4, line: appRecord },
  { name: 'events.json.log', rate: 6, line: jsonLine },
];
const tickMs = 250;
const fileBytesMax = 8 * 1024 * 1024;

const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
process.once('SIGINT', () => stopping.abort());

while (!stopping.signal.aborted) {
  // Traffic comes in waves of some minutes, so that a histogram has a shape.
  const wave = 1 + 0.7 * Math.sin(systemClock.now() / 40_000);
  for (const { name, rate, line } of files) {
    const path = join(folder, name);
    const text = lines(line, rate * wave * (tickMs / 1000));
    if (text === '') continue;
    appendFileSync(path, text);
    if (statSync(path).size > fileBytesMax) renameSync(path, `${path}.1`);
  }
  await systemClock.sleep(tickMs, stopping.signal);
}

/** So many lines on average: the fraction decides by chance about one more. */
function lines(line: (now: Date, random: Random) => string, count: number): string {
  const whole = Math.floor(count + systemClock.random());
  const now = new Date(systemClock.now());
  return Array.from({ length: whole }, () => line(now, systemClock.random)).join('');
}
