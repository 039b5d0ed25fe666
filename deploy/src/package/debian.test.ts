import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { writeDeb } from './debian.ts';

const root = join(import.meta.dirname, '../../..');

function workshop(t: { after(work: () => void): void }) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-deb-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const executable = join(dir, 'program');
  writeFileSync(executable, '#!/bin/sh\n');
  const options = { root, arch: 'arm64', executable, date: new Date(1e12), out: dir } as const;
  return {
    dir,
    options: { ...options, version: '1.2.0-rc.1', licenses: { 'node-license': 'MIT' }, env: process.env },
  };
}

test('a package holds program, unit, configuration and pages, all of them root’s', async (t) => {
  const { dir, options } = workshop(t);
  const path = await writeDeb({ ...options, compression: 'xz' });
  assert.equal(path, join(dir, 'millrace-agent_1.2.0~rc.1_arm64.deb'));
  const listing = execFileSync('dpkg-deb', ['--contents', path], { encoding: 'utf8' }).trim().split('\n');
  const files = listing.map((line) => line.split(/\s+/)).filter(([mode]) => mode?.startsWith('-'));
  assert.deepEqual(files.map(([mode, owner, , , , name]) => `${mode} ${owner} ${name}`).sort(), [
    '-rw-r--r-- root/root ./etc/millrace/agent.conf',
    '-rw-r--r-- root/root ./lib/systemd/system/millrace-agent-lifecycle.service',
    '-rw-r--r-- root/root ./lib/systemd/system/millrace-agent.service',
    '-rw-r--r-- root/root ./usr/share/doc/millrace-agent/changelog.gz',
    '-rw-r--r-- root/root ./usr/share/doc/millrace-agent/copyright',
    '-rw-r--r-- root/root ./usr/share/doc/millrace-agent/node-license.gz',
    '-rw-r--r-- root/root ./usr/share/lintian/overrides/millrace-agent',
    '-rw-r--r-- root/root ./usr/share/man/man1/millrace-agent.1.gz',
    '-rw-r--r-- root/root ./usr/share/man/man5/millrace-agent.conf.5.gz',
    '-rwxr-xr-x root/root ./usr/bin/millrace-agent',
  ]);
  const field = (name: string) =>
    execFileSync('dpkg-deb', ['--field', path, name], { encoding: 'utf8' }).trim();
  assert.deepEqual(['Package', 'Version', 'Architecture'].map(field), [
    'millrace-agent',
    '1.2.0~rc.1',
    'arm64',
  ]);
  execFileSync('dpkg-deb', ['--raw-extract', path, join(dir, 'raw')]);
  assert.equal(readFileSync(join(dir, 'raw/DEBIAN/conffiles'), 'utf8'), '/etc/millrace/agent.conf\n');
  execFileSync('md5sum', ['--check', '--quiet', 'DEBIAN/md5sums'], { cwd: join(dir, 'raw') });
});

test('the page of the configuration has every parameter of the documentation', async (t) => {
  const { dir, options } = workshop(t);
  const path = await writeDeb({ ...options, compression: 'none' });
  execFileSync('dpkg-deb', ['--extract', path, join(dir, 'files')]);
  const page = gunzipSync(
    readFileSync(join(dir, 'files/usr/share/man/man5/millrace-agent.conf.5.gz')),
  ).toString();
  const documented = readFileSync(join(root, 'docs/config/agent.md'), 'utf8');
  const names = [...documented.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
  assert.ok(names.length > 50);
  assert.deepEqual(
    names.filter((name) => !page.includes(`\\fB${name.replaceAll('-', '\\-')}\\fR`)),
    [],
  );
});

test('the same input of the same date is the same package, byte for byte', async (t) => {
  const { options } = workshop(t);
  const first = readFileSync(await writeDeb({ ...options, compression: 'none' }));
  assert.deepEqual(readFileSync(await writeDeb({ ...options, compression: 'none' })), first);
});

test('without dpkg-deb the error says how to get it', async (t) => {
  const { options } = workshop(t);
  await assert.rejects(
    writeDeb({ ...options, compression: 'none', env: { PATH: '/absent' } }),
    (error: Error) => {
      assert.match(error.message, /no dpkg-deb/);
      assert.match(String((error as { hint?: string }).hint), /apt-get install dpkg/);
      return true;
    },
  );
});
