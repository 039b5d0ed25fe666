import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeDeb } from '@millrace/deploy/package/debian.ts';
import { DebianRoot } from '../harness/debian-root.ts';
import { root } from '../harness/stack.ts';
import { documentOf, fleetTemplate, scriptOf } from '../harness/systems-manager.ts';

const dir = mkdtempSync(join(tmpdir(), 'millrace-install-'));
const downloads = '/var/cache/millrace-install';
const conf = '/etc/millrace/agent.conf';
let debian: DebianRoot;
let sum = '';

before(async () => {
  // What it is made of is not what is tested here: the agent, started as it is in this folder.
  const executable = join(dir, 'millrace-agent');
  writeFileSync(executable, `#!/bin/sh\nexec '${process.execPath}' '${root}agent/src/main.ts' "$@"\n`);
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const options = { root, arch, version: '0.0.1', executable, date: new Date(0), out: dir } as const;
  const deb = await writeDeb({ ...options, licenses: {}, compression: 'none', env: process.env });
  sum = createHash('sha256').update(readFileSync(deb)).digest('hex');
  debian = await DebianRoot.open();
  mkdirSync(debian.path(downloads), { recursive: true });
  copyFileSync(deb, debian.path(`${downloads}/agent.deb`));
  // Nothing of systemd runs there: what it would have been told is written down.
  const systemctl = debian.path('/usr/sbin/systemctl');
  writeFileSync(systemctl, '#!/bin/sh\necho "$@" >>/tmp/systemctl\n');
  chmodSync(systemctl, 0o755);
});

after(async () => {
  await debian?.close();
  rmSync(dir, { recursive: true, force: true });
});

function configuration(stream: string): string {
  return `<source>
@type tail
path /var/log/app.log
tag app
<parse>
@type none
</parse>
</source>
<match **>
@type kinesis_streams
stream_name ${stream}
region eu-west-1
</match>
`;
}

/** The document's script, as if this package and configuration had been downloaded. */
async function rollOut(config: string, packageSum = sum) {
  writeFileSync(debian.path(`${downloads}/agent.conf`), config);
  writeFileSync(debian.path('/tmp/systemctl'), '');
  const url = 'https://s3.eu-west-1.amazonaws.com/bucket/file';
  const parameters = { PackageUrl: url, PackageSha256: packageSum, ConfigUrl: url };
  const script = scriptOf(documentOf(fleetTemplate('install.yaml'), 'Install'), 'install', parameters);
  const { code, output } = await debian.run('sh', '-c', script);
  return { code, output, told: readFileSync(debian.path('/tmp/systemctl'), 'utf8') };
}

test('a package that is not the one that was meant is not installed', async () => {
  const { code } = await rollOut(configuration('one'), '0'.repeat(64));
  assert.notEqual(code, 0);
  assert.equal((await debian.run('test', '-e', conf)).code, 1);
});

test('the first rollout installs the package with its configuration, and starts agent and watch', async () => {
  const { code, output, told } = await rollOut(configuration('one'));
  assert.equal(code, 0, output);
  assert.equal(readFileSync(debian.path(conf), 'utf8'), configuration('one'));
  assert.match(
    (await debian.run('dpkg', '--status', 'millrace-agent')).output,
    /^Status: install ok installed$/m,
  );
  assert.match(told, /^enable --now millrace-agent millrace-agent-lifecycle$/m);
  assert.doesNotMatch(told, /reload/);
});

test('a configuration that is wrong takes nobody’s place, and the rollout fails', async () => {
  const { code, output } = await rollOut(configuration('one').replace('region', 'regoin'));
  assert.notEqual(code, 0);
  assert.match(output, /regoin/);
  assert.equal(readFileSync(debian.path(conf), 'utf8'), configuration('one'));
});

test('a changed configuration is put in place and read, and the one before is kept', async () => {
  const { code, output, told } = await rollOut(configuration('two'));
  assert.equal(code, 0, output);
  assert.equal(readFileSync(debian.path(conf), 'utf8'), configuration('two'));
  assert.equal(readFileSync(debian.path(`${conf}.before`), 'utf8'), configuration('one'));
  assert.match(told, /^reload millrace-agent$/m);
  assert.doesNotMatch(output, /Unpacking/, 'what is installed is left alone');
});
