import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { packageAgent } from '@millrace/deploy/package/agent-package.ts';
import { DebianRoot } from '../harness/debian-root.ts';
import { root as projectRoot } from '../harness/stack.ts';
import { StreamServer } from '../harness/stream-server.ts';
import { UnitService } from '../harness/unit-service.ts';

const dir = mkdtempSync(join(tmpdir(), 'millrace-packages-'));
const conf = '/etc/millrace/agent.conf';
const unit = '/lib/systemd/system/millrace-agent.service';
const wanted = '/etc/systemd/system/multi-user.target.wants/millrace-agent.service';
const lifecycleUnit = '/lib/systemd/system/millrace-agent-lifecycle.service';
const lifecycleWanted = '/etc/systemd/system/multi-user.target.wants/millrace-agent-lifecycle.service';
const state = '/var/lib/millrace';
const logFile = join(dir, 'agent.log');
let debian: DebianRoot;
let stream: StreamServer;
let service: UnitService | undefined;
let port: number;

before(async () => {
  for (const version of ['0.0.1', '0.0.2']) await build(version);
  debian = await DebianRoot.open();
  stream = await StreamServer.listen();
  port = await freePort();
});

after(async () => {
  service?.kill();
  stream?.close();
  await debian?.close();
  rmSync(dir, { recursive: true, force: true });
});

test('a first installation makes user and folders, and starts nothing before there is something to ship', async () => {
  const { code, output } = await install('0.0.1');
  assert.equal(code, 0, output);
  assert.match(output, /say in \/etc\/millrace\/agent\.conf what to ship/);
  assert.match((await debian.run('id', 'millrace')).output, /gid=\d+\(millrace\)/);
  assert.equal((await debian.run('stat', '-c', '%U:%G %a', state)).output, 'millrace:millrace 750\n');
  for (const link of [wanted, lifecycleWanted]) assert.equal((await debian.run('test', '-L', link)).code, 1);
  assert.equal((await debian.run('millrace-agent', '--version')).output, '0.0.1\n');
});

test('the configuration that comes with the package is right once its comment signs are taken away', async () => {
  const text = readFileSync(debian.path(conf), 'utf8');
  const active = text.replace(/^#(?=\s*[<@]| {2})/gm, '');
  writeFileSync(debian.path('/tmp/active.conf'), active);
  const { code, output } = await debian.run('millrace-agent', 'check', '--config', '/tmp/active.conf');
  assert.equal(code, 0, output);
  assert.match(output, /nginx\/access\.log/);
});

test('who has enabled the watch for the end of an instance has it enabled after an upgrade too', async () => {
  await debian.run('ln', '-s', lifecycleUnit, lifecycleWanted);
  assert.equal((await install('0.0.1')).code, 0);
  assert.equal((await debian.run('readlink', lifecycleWanted)).output, `${lifecycleUnit}\n`);
  await debian.run('rm', lifecycleWanted);
});

test('an upgrade while a file is written delivers every line of it once', async () => {
  writeFileSync(debian.path(conf), configuration());
  const log = '/var/log/app.log';
  writeFileSync(debian.path(log), '');
  await debian.run('chown', 'root:adm', log);
  await debian.run('chmod', '640', log);
  service = new UnitService(debian, unit, logFile, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' });
  const writer = startWriter(debian.path(log));
  await service.start();
  await until(() => stream.records.size > 100, 'the first agent ships');

  const { code, output } = await install('0.0.2');
  assert.equal(code, 0, output);
  assert.equal((await debian.run('millrace-agent', '--version')).output, '0.0.2\n');
  assert.equal(readFileSync(debian.path(conf), 'utf8'), configuration(), 'the configuration is the user’s');
  assert.equal((await debian.run('test', '-L', lifecycleWanted)).code, 1, 'what is disabled stays so');
  const atUpgrade = stream.records.size;
  await until(() => stream.records.size > atUpgrade, 'the old agent ships on while the new one is unpacked');
  assert.equal(await service.stop(), 0);
  service = new UnitService(debian, unit, logFile, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' });
  await service.start();
  const atStart = stream.records.size;
  await until(() => stream.records.size > atStart + 100, 'the new agent ships');

  const written = await writer.stop();
  await until(() => stream.records.size >= written, 'everything is shipped');
  assert.equal(await service.stop(), 0);
  const texts = [...stream.records.values()].map((text) => Number(text.trim()));
  assert.deepEqual(
    texts.sort((a, b) => a - b),
    Array.from({ length: written }, (_, i) => i),
  );
  const strange = readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => /warning|deprecat/i.test(line));
  assert.deepEqual(strange, [], 'Node has nothing to say');
});

test('a removal keeps configuration and state, a purge does not', async () => {
  assert.equal((await debian.run('dpkg', '--remove', 'millrace-agent')).code, 0);
  for (const path of ['/usr/bin/millrace-agent', unit, lifecycleUnit])
    assert.equal(existsSync(debian.path(path)), false, path);
  assert.ok(statSync(debian.path(conf)).isFile());
  assert.ok(existsSync(join(debian.path(state), 'agent')));
  const { code, output } = await debian.run('dpkg', '--purge', 'millrace-agent');
  assert.equal(code, 0, output);
  for (const path of ['/etc/millrace', state, '/usr/share/doc/millrace-agent']) {
    assert.equal(existsSync(debian.path(path)), false, path);
  }
});

test('an installation over a configuration that is there enables the service', async () => {
  await debian.run('mkdir', '-p', '/etc/millrace');
  writeFileSync(debian.path(conf), configuration());
  const { code, output } = await install('0.0.2', '--force-confold');
  assert.equal(code, 0, output);
  assert.equal((await debian.run('readlink', wanted)).output, `${unit}\n`);
  assert.equal((await debian.run('dpkg', '--purge', 'millrace-agent')).code, 0);
  assert.equal((await debian.run('test', '-L', wanted)).code, 1);
});

async function build(version: string): Promise<void> {
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const options = { root: projectRoot, arch, version, out: dir, compression: 'none' } as const;
  const { deb } = await packageAgent({
    ...options,
    date: new Date(0),
    env: process.env,
    progress: () => undefined,
  });
  assert.match(deb.path, new RegExp(`millrace-agent_${version}_`));
}

function install(version: string, ...options: string[]) {
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const file = join('/tmp', `millrace-agent_${version}_${arch}.deb`);
  writeFileSync(debian.path(file), readFileSync(join(dir, `millrace-agent_${version}_${arch}.deb`)));
  return debian.run('dpkg', ...options, '--install', file);
}

function configuration(): string {
  return `<system>
state_dir ${state}/agent
http_port ${port}
</system>
<source>
@type tail
path /var/log/app.log
tag app
read_from_head true
<parse>
@type none
</parse>
</source>
<match **>
@type kinesis_streams
stream_name s
region us-east-1
endpoint ${stream.url}
linger 0.1s
</match>
`;
}

/** Writes 0, 1, 2 … on lines of their own until it is stopped; resolves to how many. */
function startWriter(path: string): { stop(): Promise<number> } {
  let lines = 0;
  const timer = setInterval(() => {
    appendFileSync(path, Array.from({ length: 5 }, () => `${lines++}\n`).join(''));
  }, 5);
  return {
    async stop() {
      clearInterval(timer);
      return lines;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline)
      throw new Error(`never: ${what}\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    await delay(20);
  }
}
