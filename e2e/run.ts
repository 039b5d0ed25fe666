import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { millrace, root, type StackUnderTest } from './harness/stack.ts';

/**
 * Starts one stack by `./millrace up`, runs e2e/tests against it one file after another, and stops it. Arguments: test
 * files to run instead of all; `--long` for those of e2e/long.
 */
const [first, ...others] = process.argv.slice(2);
const folder = first === '--long' ? 'long' : 'tests';
const files = first === undefined || first === '--long' ? others : [first, ...others];

/** A base with eight free ports. */
async function freePortBase(): Promise<number> {
  for (let base = 7100; base < 20_000; base += 100) {
    const free = await Promise.all(Array.from({ length: 8 }, (_, i) => isFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no eight free ports in a row below 20000');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

const dir = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
const logs = join(dir, 'logs');
const dataDir = join(dir, 'data');
mkdirSync(logs);
const portBase = await freePortBase();
const stack: StackUnderTest = { url: `http://127.0.0.1:${portBase}`, portBase, dataDir, logs };
// Objects and give-ups in seconds in place of minutes: what is tested is the same, the waiting is not.
const settings = [
  'consumer.archive.idle_ms_max=2000',
  'consumer.index.give_up_ms=10000',
  // Small enough to be full soon while the store is down: only then live indexing gives up and the filler has work.
  'consumer.index.queue_bytes_max=1048576',
  'consumer.filler.interval_ms=3000',
  'consumer.filler.min_age_ms=5000',
];
const up = await millrace(
  'up',
  '--detach',
  ...['--data', dataDir, '--port-base', String(portBase), '--logs', join(logs, '**/*.log*')],
  ...settings.flatMap((setting) => ['--set', setting]),
);
process.stderr.write(up.stdout + up.stderr);
let code = 1;
try {
  if (up.code === 0) {
    const tests =
      files.length > 0 ? files : globSync(`e2e/${folder}/*.test.ts`, { cwd: root }).sort(conformanceLast);
    const child = spawn(
      process.execPath,
      ['--test', '--test-concurrency=1', '--test-timeout=2400000', ...tests],
      {
        cwd: root,
        stdio: 'inherit',
        env: {
          ...process.env,
          MILLRACE_E2E_STACK: JSON.stringify(stack),
          MILLRACE_E2E_STORE: `opensearch=http://127.0.0.1:${portBase + 4}`,
        },
      },
    );
    [code] = await once(child, 'exit');
  }
} finally {
  await millrace('down', '--data', dataDir);
  if (code === 0) rmSync(dir, { recursive: true, force: true });
  else process.stderr.write(`e2e: logs and state of the failed run are in ${dir}\n`);
}
process.exitCode = code ?? 1;

/** The store's own suite alters cluster settings, so nothing else may need the store after it. */
function conformanceLast(a: string, b: string): number {
  const last = (path: string) => (path.includes('store-conformance') ? 1 : 0);
  return last(a) - last(b) || (a < b ? -1 : 1);
}
