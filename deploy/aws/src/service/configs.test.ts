import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { resolved } from '../testing/resolve.ts';
import { type Template, templatesOf, type Variant, variants } from '../testing/synth.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const secrets: Record<string, string> = {
  STORE_API_KEY: 'an api key',
  OIDC_SECRET: 'a client secret',
  SESSION_KEY: Buffer.alloc(32, 7).toString('base64'),
};

interface Container {
  Name: string;
  User: string;
  EntryPoint: string[];
  Command: string[];
  Environment: { Name: string; Value: unknown }[];
  Secrets?: { Name: string; ValueFrom: unknown }[];
  ReadonlyRootFilesystem: boolean;
  MountPoints: { ContainerPath: string }[];
  StopTimeout?: number;
  HealthCheck?: { Command: string[] };
}

const templates = new Map<Variant, Record<string, Template>>();
before((t) => {
  for (const variant of Object.keys(variants) as Variant[])
    templates.set(variant, templatesOf(t as TestContext, variant));
});

function containersOf(variant: Variant, part: string): Container[] {
  const found = Object.values(templates.get(variant)?.[part]?.Resources ?? {}).find(
    ({ Type }) => Type === 'AWS::ECS::TaskDefinition',
  );
  return (found?.Properties.ContainerDefinitions ?? []) as Container[];
}

/** Runs the container that writes files, as the template has it, into a folder here. */
function written(t: TestContext, variant: Variant, part: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = containersOf(variant, part).find(({ Name }) => Name === 'files');
  assert.ok(files, `${variant} ${part}`);
  const given = Object.fromEntries(
    files.Environment.map(({ Name, Value }) => [Name, String(resolved(Value))]),
  );
  const moved = (text = '') =>
    text.replaceAll('/run/millrace', folder).replaceAll('/var/lib/millrace', join(folder, 'state'));
  const names = (files.Secrets ?? []).map(({ Name }) => Name);
  const result = spawnSync(process.execPath, ['-e', ...files.Command], {
    encoding: 'utf8',
    env: {
      ...Object.fromEntries(names.map((name) => [name, secrets[name]])),
      FILES: moved(given.FILES),
      FOLDERS: JSON.stringify([join(folder, 'state'), join(folder, 'tmp')]),
      INTO: folder,
      OWNER: String(process.getuid?.()),
    },
  });
  assert.equal(result.status, 0, result.stderr);
  return folder;
}

/** What the program itself says of its configuration, in a process of its own. */
function loaded(module: string, schema: string, file: string): Record<string, unknown> {
  const script = `
    const { loadConfig } = await import(${JSON.stringify(join(root, module))});
    process.stdout.write(JSON.stringify(loadConfig(${JSON.stringify(file)})));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${schema}: ${stderr}`);
  return JSON.parse(stdout);
}

test('the consumer takes its configuration of every stage, and leases and locks are the tables that are made', (t) => {
  for (const variant of Object.keys(variants) as Variant[]) {
    for (const part of ['Consumer', 'Ledger']) {
      const file = join(written(t, variant, part), 'consumer.json');
      const config = loaded('consumer/src/load-config.ts', 'consumer.json', file);
      const tables = Object.values(templates.get(variant)?.Stream?.Resources ?? {})
        .filter(({ Type }) => Type === 'AWS::DynamoDB::Table')
        .map(({ Properties }) => Properties.TableName);
      assert.deepEqual(tables, [config.application, `${config.application}_locks`]);
      // What Athena and Redshift read is written where somebody has them.
      const { layout } = config.archive as { layout: string };
      assert.equal(layout, variant === 'public' ? 'blocks+ndjson' : 'blocks');
    }
  }
});

test('the consumer counts events where the settings say so, into the namespace of the stage', (t) => {
  const counters = (variant: Variant) =>
    loaded(
      'consumer/src/load-config.ts',
      'consumer.json',
      join(written(t, variant, 'Consumer'), 'consumer.json'),
    ).counters;
  assert.equal(counters('prod'), undefined);
  assert.deepEqual(counters('public'), {
    namespace: 'Millrace/prod',
    dimensions: [['tag', 'status'], ['status'], ['log.level']],
    series_max: 200,
    interval_ms: 60_000,
  });
});

test('the search API takes its configuration of every stage, with the secrets as files', (t) => {
  for (const variant of Object.keys(variants) as Variant[]) {
    const folder = written(t, variant, 'SearchApi');
    loaded('search-api/src/config.ts', 'search-api.json', join(folder, 'search-api.json'));
    if (variant !== 'public') continue;
    assert.equal(readFileSync(join(folder, 'oidc-secret'), 'utf8'), secrets.OIDC_SECRET);
    assert.equal(readFileSync(join(folder, 'session-key'), 'utf8'), secrets.SESSION_KEY);
    const { store } = JSON.parse(readFileSync(join(folder, 'search-api.json'), 'utf8'));
    assert.deepEqual(store.auth, { api_key: secrets.STORE_API_KEY });
  }
});

test('what is written can be read by its owner alone', (t) => {
  const folder = written(t, 'public', 'SearchApi');
  const files = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  assert.equal(files.length, 3);
  for (const name of files) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o400, name);
});

test('an agent takes the configuration of the gateway: keys needed, answered when the stream has the events', (t) => {
  const file = join(written(t, 'public', 'Gateway'), 'agent.conf');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'agent/src/main.ts'), 'check', '--config', file],
    { encoding: 'utf8', env: { PATH: process.env.PATH, AWS_REGION: 'eu-west-1' } },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout.match(/need a key: phones/g)?.length, 2, stdout);
  assert.equal(stdout.match(/when events are in the stream/g)?.length, 2, stdout);
});

test('the command that changes shards takes its arguments, and ends with a line that the alarms count', async (t) => {
  const program = containersOf('public', 'Shards').find(({ Name }) => Name === 'shards');
  const kinesis = createServer((_, response) => {
    const summary = { StreamStatus: 'UPDATING', StreamModeDetails: { StreamMode: 'PROVISIONED' } };
    response.end(JSON.stringify({ StreamDescriptionSummary: summary, Shards: [], Tags: [], Items: [] }));
  });
  await new Promise<void>((resolve) => kinesis.listen(0, '127.0.0.1', resolve));
  t.after(() => kinesis.close());
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(root, 'deploy/src/cli/main.ts'), ...(program?.Command ?? [])],
    {
      env: {
        AWS_REGION: 'eu-west-1',
        AWS_ENDPOINT_URL: `http://127.0.0.1:${(kinesis.address() as AddressInfo).port}`,
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'x',
      },
    },
  );
  const { event, exit, action } = JSON.parse(stdout);
  assert.deepEqual([event, exit, action], ['shards_auto', 0, 'hold']);
  const patterns = Object.values(templates.get('public')?.Alarms?.Resources ?? {})
    .filter(({ Type }) => Type === 'AWS::Logs::MetricFilter')
    .map(({ Properties }) => Properties.FilterPattern);
  for (const code of [0, 7])
    assert.ok(patterns.includes(`{ ($.event = "${event}") && ($.exit = ${code}) }`), String(code));
});

test('programs write to their own folders only, as somebody without rights, and get no secret by their environment', () => {
  for (const variant of Object.keys(variants) as Variant[])
    for (const part of ['Consumer', 'Ledger', 'SearchApi', 'Gateway', 'Shards'])
      for (const container of containersOf(variant, part)) {
        assert.equal(container.ReadonlyRootFilesystem, true);
        assert.deepEqual(
          container.MountPoints.map(({ ContainerPath }) => ContainerPath),
          ['/run/millrace', '/var/lib/millrace', '/tmp'],
        );
        if (container.Name === 'files') continue;
        assert.equal(container.User, '10001:10001');
        assert.equal(container.Secrets, undefined);
      }
});

/** An attribute of the load balancer of a part, as a number. */
function idleSeconds(variant: Variant, part: string): number {
  const found = Object.values(templates.get(variant)?.[part]?.Resources ?? {}).find(
    ({ Type }) => Type === 'AWS::ElasticLoadBalancingV2::LoadBalancer',
  );
  const attributes = found?.Properties.LoadBalancerAttributes as { Key: string; Value: string }[];
  return Number(attributes.find(({ Key }) => Key === 'idle_timeout.timeout_seconds')?.Value);
}

function subnetsOf(variant: Variant, name: RegExp): unknown[] {
  return Object.entries(templates.get(variant)?.Network?.Resources ?? {})
    .filter(([id, { Type }]) => Type === 'AWS::EC2::Subnet' && name.test(id))
    .map(([, { Properties }]) => Properties.CidrBlock);
}

test('the search API believes one load balancer, of the subnets that it stands in, and nobody else', (t) => {
  for (const variant of Object.keys(variants) as Variant[]) {
    const { http } = JSON.parse(
      readFileSync(join(written(t, variant, 'SearchApi'), 'search-api.json'), 'utf8'),
    );
    const subnets = subnetsOf(variant, variant === 'public' ? /edge/ : /inside/);
    assert.equal(subnets.length, 3);
    assert.deepEqual(http.trusted_proxies, subnets);
    assert.equal(http.trusted_hops, 1);
  }
});

test('programs keep idle connections longer than the load balancer that reuses them', (t) => {
  for (const variant of Object.keys(variants) as Variant[]) {
    const folder = written(t, variant, 'SearchApi');
    const config = loaded('search-api/src/config.ts', 'search-api.json', join(folder, 'search-api.json'));
    const { keep_alive_ms: keepMs } = config.http as { keep_alive_ms: number };
    assert.ok(keepMs > idleSeconds(variant, 'SearchApi') * 1_000);
  }
  const conf = readFileSync(join(written(t, 'public', 'Gateway'), 'agent.conf'), 'utf8');
  const kept = [...conf.matchAll(/keepalive_timeout (\d+)s/g)].map(([, seconds]) => Number(seconds));
  assert.equal(kept.length, 2);
  for (const seconds of kept) assert.ok(seconds > idleSeconds('public', 'Gateway'));
});

test('what has to be stored when a task ends is stored before it is killed', (t) => {
  const stopMs = (variant: Variant, part: string) =>
    1_000 * (containersOf(variant, part).find(({ Name }) => Name !== 'files')?.StopTimeout ?? 30);
  const config = loaded(
    'consumer/src/load-config.ts',
    'consumer.json',
    join(written(t, 'prod', 'Consumer'), 'consumer.json'),
  );
  // Shards are left at once, each within this; the daemon and its children end after it.
  assert.ok((config.drain_ms as number) * 2 < stopMs('prod', 'Consumer'));
  const conf = readFileSync(join(written(t, 'public', 'Gateway'), 'agent.conf'), 'utf8');
  const drain = Number(/drain_timeout (\d+)s/.exec(conf)?.[1]);
  assert.ok(drain * 1_000 < stopMs('public', 'Gateway'));
});

test('a stream that takes nothing is no reason to end tasks of the gateway', () => {
  const program = containersOf('public', 'Gateway').find(({ Name }) => Name === 'gateway');
  assert.match(String(program?.HealthCheck?.Command), /127\.0\.0\.1:9880\/healthz/);
});
