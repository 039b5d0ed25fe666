import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { storeVersions } from '@millrace/deploy/local/engines/versions.ts';
import { type Proxied, proxied, startFaultProxy } from './harness/fault-proxy.ts';
import { endpoint, millrace, root, type StackUnderTest } from './harness/stack.ts';
import { startStoreEngine } from './harness/store-engine.ts';

/**
 * Starts one stack by `./millrace up`, runs e2e/tests against it one file after another, and stops it. Arguments: test
 * files to run instead of all, those of e2e/search with an Elasticsearch beside; `--minutes` and `--seed` are for
 * e2e/long/chaos.test.ts.
 */
const { values, positionals: files } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
});
/** They run on each engine. */
const searching = files.some((file) => file.includes('e2e/search/'));
/** Between the parts stand proxies that disturb them. */
const disturbed = files.some((file) => file.endsWith('chaos.test.ts'));

/** A base with eight free ports, and four more for proxies. */
async function freePortBase(): Promise<number> {
  for (let base = 7100; base < 20_000; base += 100) {
    const free = await Promise.all(Array.from({ length: 12 }, (_, i) => isFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no twelve free ports in a row below 20000');
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
  'consumer.archive.object_age_ms_max=10000',
  'consumer.index.give_up_ms=10000',
  // Small enough to be full soon while the store is down: only then live indexing gives up and the filler has work.
  'consumer.index.queue_bytes_max=1048576',
  'consumer.filler.interval_ms=3000',
  'consumer.filler.min_age_ms=5000',
  'consumer.archive.layout=blocks+ndjson',
  'consumer.archive.keep_interval_ms=3000',
  'consumer.counters={"interval_ms":1000,"series_max":10000,"dimensions":[["tag","status"],["tag"]]}',
  // Whoever evaluates alerts does so for all who share the store: here it is the servers of the tests.
  'search-api.alerts.evaluate=false',
];
const closing: (() => unknown)[] = [];
if (disturbed) {
  stack.faults = portBase + 8;
  const url = (part: Proxied) => `http://127.0.0.1:${(stack.faults ?? 0) + proxied.indexOf(part)}`;
  for (const [i, part] of proxied.entries())
    closing.push(await startFaultProxy(part, stack.faults + i, endpoint(stack, part)));
  settings.push(
    `agent.match.endpoint=${url('kinesis')}`,
    `consumer.stream.endpoint=${url('kinesis')}`,
    `consumer.leases.endpoint=${url('leases')}`,
    `consumer.archive.endpoint=${url('s3')}`,
    `consumer.store.node=${url('opensearch')}`,
  );
  const small = join(dataDir, 'agent/state');
  mkdirSync(small, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', small]);
  if (mounted.status === 0) {
    stack.smallDisk = small;
    closing.push(() => spawnSync('umount', ['-l', small]));
  }
}
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
    const elasticsearch = searching ? await secondEngine() : undefined;
    const tests =
      files.length > 0 ? files : globSync('e2e/tests/*.test.ts', { cwd: root }).sort(conformanceLast);
    const child = spawn(
      process.execPath,
      [
        '--test',
        '--test-concurrency=1',
        `--test-timeout=${Math.max(2_400_000, (Number(values.minutes ?? 0) + 30) * 60_000)}`,
        ...tests,
      ],
      {
        cwd: root,
        stdio: 'inherit',
        env: {
          ...process.env,
          MILLRACE_E2E_STACK: JSON.stringify(stack),
          ...(values.minutes ? { MILLRACE_TEST_MINUTES: values.minutes } : {}),
          ...(values.seed ? { MILLRACE_TEST_SEED: values.seed } : {}),
          MILLRACE_E2E_STORE: `opensearch=http://127.0.0.1:${portBase + 4}`,
          MILLRACE_E2E_SEARCH: JSON.stringify({
            opensearch: endpoint(stack, 'opensearch'),
            elasticsearch,
            s3: endpoint(stack, 's3'),
          }),
        },
      },
    );
    [code] = await once(child, 'exit');
  }
} finally {
  await millrace('down', '--data', dataDir);
  for (const close of closing) await close();
  if (code === 0) rmSync(dir, { recursive: true, force: true });
  else process.stderr.write(`e2e: logs and state of the failed run are in ${dir}\n`);
}
process.exitCode = code ?? 1;

/** The address of an Elasticsearch of the newest version, without security. */
async function secondEngine(): Promise<string> {
  const engine = await startStoreEngine('elasticsearch', storeVersions.elasticsearch[1]);
  closing.push(() => engine.stop());
  return engine.node;
}

/** The store's own suite alters cluster settings, so nothing else may need the store after it. */
function conformanceLast(a: string, b: string): number {
  const last = (path: string) => (path.includes('store-conformance') ? 1 : 0);
  return last(a) - last(b) || (a < b ? -1 : 1);
}
