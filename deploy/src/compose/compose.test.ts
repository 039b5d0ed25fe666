import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DCLinter } from 'dclint';
import {
  namesOf,
  readCompose,
  readEnvFile,
  type Service,
  servicesOf,
  variablesOf,
} from './testing/compose-file.ts';
import { readDockerfile } from './testing/dockerfile.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const example = readEnvFile(join(root, '.env.example'));
const compose = readCompose(root, example);
const stages = readDockerfile(join(root, 'deploy/images/Dockerfile'));
const services = Object.entries(compose.services);
const own = services.filter(([, { image }]) => image.startsWith('localhost/millrace/'));
const stageOf = ({ image }: Service) => stages.get(/^localhost\/millrace\/([a-z-]+):/.exec(image)?.[1] ?? '');
/** What COMPOSE_PROFILES may be, beside `stand-ins`. */
const stores = ['opensearch', 'opensearch-cluster', 'elasticsearch'];

/** What the linter says, which also checks the file against the Compose specification's JSON schema. */
function lint(path: string): string[] {
  const off = Object.fromEntries(
    [
      // They are in the order in which one reads them, and our own images have a name.
      'services-alphabetical-order',
      'service-keys-order',
      'service-dependencies-alphabetical-order',
      'service-ports-alphabetical-order',
      'top-level-properties-order',
      'no-build-and-image',
      // By profile: a test below.
      'no-duplicate-exported-ports',
    ].map((rule) => [rule, 0]),
  );
  const rules = { ...off, 'require-quotes-in-ports': [2, { quoteType: 'double' }] };
  const linter = new DCLinter({ rules, quiet: true, debug: false, exclude: [] });
  const results = linter.lintFiles([path], false) as { messages: { line: number; message: string }[] }[];
  assert.equal(results.length, 1);
  return results.flatMap(({ messages }) => messages.map(({ line, message }) => `${line}: ${message}`));
}

test('docker-compose.yml is what the specification allows, and as its linter wants it', (t) => {
  assert.deepEqual(lint(join(root, 'docker-compose.yml')), []);
  // So that this is known to be looked at: a key that is none, deep in the file.
  const folder = mkdtempSync(join(tmpdir(), 'millrace-compose-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const wrong = join(folder, 'docker-compose.yml');
  writeFileSync(wrong, text.replace('start_period: 30s', 'begin_period: 30s'));
  assert.match(lint(wrong).join('\n'), /additional properties/i);
});

test('no service has more rights than it needs, or no limits', () => {
  for (const [name, service] of services) {
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.ok(service.security_opt?.includes('no-new-privileges:true'), name);
    for (const key of ['privileged', 'network_mode', 'pid', 'ipc', 'cap_add', 'devices', 'user'])
      assert.ok(!(key in service), `${name}: ${key}`);
    const { cpus, memory, pids } = service.deploy?.resources?.limits ?? {};
    assert.ok(
      Number(cpus) > 0 && /^\d+[mg]$/.test(memory ?? '') && Number(pids) > 0,
      `${name} has no limits`,
    );
    assert.doesNotMatch(JSON.stringify(service.volumes ?? []), /docker\.sock/, name);
  }
});

test('our own images run as a user of their own, on a file system that they cannot write, and get signals', () => {
  assert.ok(own.length >= 8);
  for (const [name, service] of own) {
    assert.ok(service.read_only && service.init, name);
    const temporary = [...(service.tmpfs ?? []), ...(service.volumes ?? [])].filter((at) =>
      /^\/tmp(:|$)/.test(at),
    );
    assert.equal(temporary.length, 1, name);
    const stage = stageOf(service);
    assert.match(stage?.user ?? 'root', /^[1-9]\d{3,}:[1-9]\d{3,}$/, name);
    const command = service.entrypoint ?? stage?.entrypoint ?? [];
    // A shell before the program would keep the signals.
    assert.match(command[0] ?? service.command?.[0] ?? '', /^(node|java)$/, name);
    // Each image is built once: of several that build the same name, one would take away the other's.
    const builders = own.filter(([, other]) => other.image === service.image && other.build !== undefined);
    assert.equal(builders.length, 1, `${service.image} is built by ${builders.length} services`);
    assert.equal(builders[0]?.[1].build?.target, /\/([a-z-]+):/.exec(service.image)?.[1]);
  }
});

test('images and what they are made of have versions, those that Millrace is tested with', async () => {
  const { engineVersions, storeVersions } = await import('../local/engines/versions.ts');
  const { version } = JSON.parse(readFileSync(join(root, 'deploy/package.json'), 'utf8')) as {
    version: string;
  };
  const arguments_ = Object.values(compose.services.agent?.build?.args ?? {});
  for (const image of [...services.map(([, service]) => service.image), ...arguments_])
    assert.match(image, /^[a-z0-9/-]+:\d+\.\d+\.\d+\S*$/, image);
  for (const [name, { image }] of own) assert.ok(image.endsWith(`:${version}`), name);
  const tag = (name: string) => compose.services[name]?.image.split(':')[1];
  assert.equal(tag('opensearch'), engineVersions.opensearch);
  assert.equal(tag('opensearch-dashboards'), engineVersions.opensearch);
  assert.equal(tag('elasticsearch'), storeVersions.elasticsearch.at(-1));
  assert.equal(tag('kibana'), tag('elasticsearch'));
  assert.ok(compose.services.s3?.command?.includes(`/opt/s3mock/s3mock-${engineVersions.s3mock}-exec.jar`));
  const node = /^node_version=(\S+)$/m.exec(readFileSync(join(root, 'millrace'), 'utf8'))?.[1];
  assert.ok(compose.services.agent?.build?.args.NODE_IMAGE?.startsWith(`node:${node}-`));
});

test('the Dockerfile and .env.example name the same images as docker-compose.yml', () => {
  const dockerfile = readFileSync(join(root, 'deploy/images/Dockerfile'), 'utf8');
  const commented = readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^#([A-Z_]+_IMAGE)=(.*)$/gm);
  const named = Object.fromEntries([...commented].map(([, name = '', image]) => [name, image]));
  const defaults = [...variablesOf(root)].filter(([name]) => name.endsWith('_IMAGE'));
  assert.deepEqual(named, Object.fromEntries(defaults));
  for (const [, name = '', image] of dockerfile.matchAll(/^ARG ([A-Z_]+)=(.*)$/gm))
    assert.equal(image, named[name]);
});

test('every variable is in .env.example, with the value that it has without', () => {
  const text = readFileSync(join(root, '.env.example'), 'utf8');
  for (const [name, fallback] of variablesOf(root)) {
    assert.match(text, new RegExp(`^#?${name}=`, 'm'));
    if (fallback !== undefined && name in example) assert.equal(example[name], fallback, name);
  }
  const known = new Set([...variablesOf(root).keys(), 'COMPOSE_PROFILES']);
  assert.deepEqual(
    Object.keys(example).filter((name) => !known.has(name)),
    [],
  );
  assert.deepEqual(example.COMPOSE_PROFILES?.split(','), ['opensearch', 'stand-ins']);
});

test('without .env nothing starts, and it is said what to do', () => {
  assert.throws(() => readCompose(root, {}), /MILLRACE_STORE is not set: copy \.env\.example to \.env/);
});

test('ports are published on loopback only, each once in every choice of profiles', () => {
  for (const store of stores) {
    const chosen = Object.values(servicesOf(compose, [store, 'stand-ins', 'tools']));
    const ports = chosen.flatMap((service) => service.ports ?? []);
    assert.deepEqual(ports.sort(), ['127.0.0.1:5601:5601', '127.0.0.1:6700:6700']);
  }
});

test('every volume that is named is declared, and the other way round', () => {
  const used = services
    .flatMap(([, service]) => service.volumes ?? [])
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => /^[a-z]/.test(source));
  assert.deepEqual([...new Set(used)].sort(), Object.keys(compose.volumes).sort());
  // Two services in one volume would be two programs in one folder.
  assert.equal(new Set(used).size, used.length);
});

test('what is waited for exists, and can become what is waited for', () => {
  for (const [name, service] of services)
    for (const [other, { condition, required }] of Object.entries(service.depends_on ?? {})) {
      const target = compose.services[other];
      assert.ok(target, `${name} waits for ${other}`);
      if (condition === 'service_healthy')
        assert.ok(target.healthcheck ?? stageOf(target)?.health, `${other} has no health check`);
      else assert.match(target.restart, /^on-failure:/, `${other} does not end by itself`);
      const always = (target.profiles ?? []).length === 0;
      const together = target.profiles?.every((profile) => service.profiles?.includes(profile)) ?? false;
      assert.ok(
        always || together || required === false,
        `${name} cannot start without the profile of ${other}`,
      );
    }
});

test('health checks run programs that the images have', () => {
  for (const [name, service] of services) {
    const [how, program] = service.healthcheck?.test ?? [];
    if (how !== undefined)
      assert.deepEqual([how, program], ['CMD', stageOf(service) ? 'node' : 'curl'], name);
  }
  for (const name of ['agent', 'consumer', 'search-api'])
    assert.deepEqual(stages.get(name)?.health?.command.slice(0, 2), ['node', 'deploy/src/images/probe.ts']);
});

const folder = join(root, 'deploy/compose');
const configs = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

test('addresses in configurations and commands are those of services that run with them', () => {
  const commands = services.map(([name, { command, environment }]) => ({
    name,
    text: JSON.stringify([command, environment ?? {}]),
  }));
  for (const store of stores) {
    const type = store.replace('-cluster', '');
    const chosen = Object.entries(servicesOf(compose, [store, 'stand-ins']));
    const names = chosen.flatMap(([name, service]) => namesOf(name, service));
    const texts = [
      ...configs.filter(({ name }) => !name.endsWith('.json') || name.endsWith(`.${type}.json`)),
      ...commands.filter(({ name }) => chosen.some(([other]) => other === name)),
    ];
    for (const { name, text } of texts)
      for (const [url, host = '', port = ''] of text.matchAll(/http:\/\/([a-z0-9.-]+):(\d+)/g)) {
        if (host === '127.0.0.1') continue;
        assert.ok(names.includes(host), `${name}: ${url} with ${store}`);
        assert.equal(ports[host], port, `${name}: ${url}`);
      }
  }
});

/** Where each of them listens, as its own command or its image says. */
const ports: Record<string, string | undefined> = {
  stream: compose.services.stream?.command?.[2],
  leases: compose.services.leases?.command?.[2],
  s3: compose.services.s3?.command?.find((argument) => argument.startsWith('--http.port='))?.split('=')[1],
  opensearch: '9200',
  elasticsearch: '9200',
  dashboards: '5601',
};

test('bucket, stream and health ports are the same wherever they are named', () => {
  const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const agent = readFileSync(join(folder, 'agent.conf'), 'utf8');
  const healthPort = (name: string) => new URL(stages.get(name)?.health?.command.at(-1) ?? '').port;
  assert.match(agent, new RegExp(`http_port ${healthPort('agent')}\n`));
  for (const store of ['opensearch', 'elasticsearch']) {
    const [consumer, search] = [json(`consumer.${store}.json`), json(`search-api.${store}.json`)];
    assert.deepEqual(consumer.archive, search.archive);
    assert.deepEqual(consumer.store, search.store);
    assert.equal(String(consumer.http.port), healthPort('consumer'));
    assert.equal(String(search.http.port), healthPort('search-api'));
    const { COM_ADOBE_TESTING_S3MOCK_STORE_INITIAL_BUCKETS: bucket } = compose.services.s3?.environment ?? {};
    assert.equal(consumer.archive.bucket, bucket);
    assert.equal(consumer.stream.name, compose.services['create-stream']?.command?.[2]);
    assert.match(agent, new RegExp(`stream_name ${consumer.stream.name}\n`));
    assert.match(agent, new RegExp(`endpoint ${consumer.stream.endpoint}\n`));
    // Its port is published on loopback alone: other names would be those of web pages that try to read logs.
    assert.deepEqual(search.http.allowed_hosts, ['search-api']);
  }
});

test('docker stop leaves each program the time that it takes to drain', async () => {
  const grace = (name: string) =>
    Number(/^(\d+)s$/.exec(compose.services[name]?.stop_grace_period ?? '')?.[1]);
  const drain = /drain_timeout (\d+)s/.exec(readFileSync(join(folder, 'agent.conf'), 'utf8'))?.[1];
  assert.ok(grace('agent') >= Number(drain) + 10);
  // As long as the local stack gives them, before it kills: drain_ms, and what the JVM and the uploads take.
  assert.ok(grace('consumer') >= 40);
  assert.ok(grace('search-api') >= 10);
  for (const name of ['stream', 'leases', 's3']) assert.ok(grace(name) >= 10, name);
  for (const name of ['opensearch', 'opensearch-1', 'elasticsearch']) assert.ok(grace(name) >= 20, name);
});

test('the agent runs with the flags that it runs with elsewhere', async () => {
  const { agentFlags } = await import('../local/agent-command.ts');
  assert.deepEqual(stages.get('agent')?.entrypoint, ['node', ...agentFlags, 'agent/src/main.ts']);
});

test('every node of a store takes what is left of the disk, as those of the local stack do', async () => {
  const { diskWatermarks } = await import('../local/engines/settings.ts');
  const nodes = services.filter(([name]) => /^(opensearch(-\d)?|elasticsearch)$/.test(name));
  assert.equal(nodes.length, 5);
  for (const [name, { environment = {} }] of nodes)
    for (const [setting, value] of Object.entries(diskWatermarks))
      assert.equal(environment[setting], value, name);
});

test('no secret is in a file: the credentials are those of stand-ins that check none', () => {
  assert.deepEqual(readEnvFile(join(folder, 'stand-ins.env')), {
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  const texts = [
    ...configs.filter(({ name }) => !name.endsWith('.env')),
    { name: 'compose', text: JSON.stringify(compose) },
  ];
  for (const { name, text } of texts) assert.doesNotMatch(text, /password|secret|api_?key|token/i, name);
});
