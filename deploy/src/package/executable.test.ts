import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentFlags } from '../local/agent-command.ts';
import { bundleAgent } from './bundle.ts';
import { writeExecutable } from './executable.ts';

const root = join(import.meta.dirname, '../../..');
const cache = join(root, '.millrace', 'package');
const host = process.arch === 'arm64' ? 'arm64' : 'x64';
const other = host === 'x64' ? 'arm64' : 'x64';

async function executable(t: { after(work: () => void): void }, script: string, arch: 'x64' | 'arm64') {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-executable-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const out = join(dir, 'program');
  await writeExecutable({ script, arch, cache, out, progress: () => undefined });
  return out;
}

test('the agent as an executable says its version, checks a configuration and names its mistakes', async (t) => {
  const { script, licenses } = await bundleAgent(root, '7.8.9');
  assert.match(licenses, /^@aws-sdk\/client-kinesis \S+ \(Apache-2\.0\)$/m);
  const agent = await executable(t, script, host);
  // Somewhere without the project, and with an option that would break a Node.
  const run = (...args: string[]) =>
    spawnSync(agent, args, { cwd: '/', env: { NODE_OPTIONS: '--require /absent.js' }, encoding: 'utf8' });
  const version = run('--version');
  assert.deepEqual([version.stdout, version.stderr, version.status], ['7.8.9\n', '', 0]);
  const absent = run('check', '--config', '/absent.conf');
  assert.equal(absent.status, 2, absent.stderr);
  assert.match(absent.stderr, /^agent: .*\/absent\.conf/);
});

test('an executable runs with the flags of the agent, from its compiled code, without a warning', async (t) => {
  // A backtracking V8 would need hours for this expression.
  const script = `
    /^(a+)+$/.test('a'.repeat(40) + 'b');
    process.stdout.write(JSON.stringify([process.execArgv, process.argv.slice(2)]));
  `;
  const { stdout, stderr } = spawnSync(await executable(t, script, host), ['--one', 'two'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), [agentFlags, ['--one', 'two']]);
});

test('the executable of another architecture is one', async (t) => {
  const machines = { x64: 62, arm64: 183 };
  const file = await executable(t, 'process.exit(0)', other);
  assert.equal(readFileSync(file).readUInt16LE(18), machines[other]);
  assert.equal(statSync(file).mode & 0o777, 0o755);
  assert.match(execFileSync('grep', ['-c', 'process.exit(0)', file], { encoding: 'utf8' }), /^[1-9]/);
});
