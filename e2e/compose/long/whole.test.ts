import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { opensearchEngine } from '@millrace/deploy/local/engines/opensearch.ts';
import { fetchEngines } from '@millrace/deploy/local/fetch.ts';
import { findJava, findMaven } from '@millrace/deploy/local/java.ts';
import { buildPage } from '@millrace/deploy/local/page.ts';
import type { PartSpec } from '@millrace/deploy/local/process.ts';
import { Containers } from '../../harness/containers.ts';
import { eventually, root } from '../../harness/stack.ts';

// All of docker-compose.yml with the profiles of .env.example, each service as it is written there; in place of the
// image of OpenSearch runs the real server of the same version, and OpenSearch Dashboards is missing.

const config = '/etc/millrace/consumer.opensearch.json';

test('a line goes from a file to the search, and docker stop and start lose and double none', async (t) => {
  const { env } = process;
  const java = await findJava(env);
  const tell = (text: string) => process.stderr.write(`${text}\n`);
  const maven = () => findMaven(env, java);
  const files = await fetchEngines(join(root, '.millrace/engines'), maven, systemClock, tell);
  await buildPage(root);
  const dir = mkdtempSync(join(tmpdir(), 'millrace-compose-'));
  chmodSync(dir, 0o755);
  const log = join(dir, 'orders.log');
  const containers = await Containers.open(
    { MILLRACE_LOGS: dir },
    {
      '/opt/java/openjdk': java.home,
      '/opt/kcl': files.kclJars,
      '/opt/s3mock': dirname(files.s3mockJar),
    },
  );
  const folder = join(dir, 'opensearch');
  const spec = opensearchEngine(
    { files, java, env },
    { port: 9200, transportPort: 9300, folder, heap: '512m' },
  );
  const store = startInNetwork(containers, spec, join(dir, 'opensearch.out'));
  t.after(async () => {
    const ended = once(store, 'exit');
    if (store.exitCode === null && store.signalCode === null && store.kill('SIGKILL')) await ended;
    await containers.close();
    rmSync(dir, { recursive: true });
  });

  const engines = ['stream', 'leases', 's3'].map((name) => containers.start(name));
  await Promise.all(engines.map((engine) => engine.healthy()));
  const made = await containers.run('create-stream');
  assert.equal(made.code, 0, made.output);
  await eventually('OpenSearch', 120, () => serves(containers));

  /** The numbers in the lines that are found, in order. */
  const found = async (): Promise<number[]> => {
    const args = ['search', 'parcel', '--limit', '10000', '--json', '--url', 'http://search-api:6700'];
    const { output } = await containers.run('tools', args);
    const numbers = [...output.matchAll(/"message":"parcel (\d+)/g)].map((match) => Number(match[1]));
    return numbers.sort((a, b) => a - b);
  };
  const write = (from: number, to: number) =>
    appendFileSync(
      log,
      numbers(from, to)
        .map((number) => `parcel ${number}\n`)
        .join(''),
    );
  const all = (count: number) =>
    eventually(`${count} lines`, 90, async () => ((await found()).length >= count ? true : undefined));

  const first = ['consumer', 'search-api', 'agent'].map((name) => containers.start(name));
  write(0, 500);
  await Promise.all(first.map((container) => container.healthy()));
  await all(500);

  // Lines before, during and after the stop.
  write(500, 600);
  const stops = first.map((container) => container.stop());
  write(600, 700);
  assert.deepEqual(await Promise.all(stops), [0, 0, 0], first.map((container) => container.log()).join('\n'));
  write(700, 800);

  const second = ['consumer', 'search-api', 'agent'].map((name) => containers.start(name));
  await Promise.all(second.map((container) => container.healthy()));
  await all(800);
  assert.deepEqual(await found(), numbers(0, 800));
  // What docs/compose.md says to do in the consumer's container. Its stop completed the first objects.
  const listed = await second[0]?.exec('node', 'consumer/src/main.ts', 'archive', 'ls', '--config', config);
  assert.equal(listed?.code, 0, listed?.output);
  assert.match(listed?.output ?? '', /[1-9]\d* objects/);
  for (const container of [...second, ...engines])
    assert.notEqual(await container.stop(), null, container.log());
});

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function startInNetwork(containers: Containers, spec: PartSpec, log: string): ChildProcess {
  const { user } = spec;
  const as = user ? ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'] : [];
  const output = openSync(log, 'a');
  const child = spawn('nsenter', [...containers.network, ...as, spec.command, ...spec.args], {
    cwd: spec.cwd,
    env: spec.env,
    stdio: ['ignore', output, output],
  });
  child.once('exit', (code) => {
    if (code !== null && code !== 143 && code !== 0)
      process.stderr.write(readFileSync(log, 'utf8').slice(-4_000));
  });
  return child;
}

/** The same question as the health check of docker-compose.yml. */
async function serves(containers: Containers): Promise<true | undefined> {
  const url = 'http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=2s';
  const probe = join(root, 'deploy/src/images/probe.ts');
  const child = spawn('nsenter', [...containers.network, process.execPath, probe, url]);
  const [code] = await once(child, 'exit');
  return code === 0 ? true : undefined;
}
