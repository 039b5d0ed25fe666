import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { matchText } from './config/testing.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Writes the URL of each module that the process has loaded to its stdout. */
const listing = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  import { writeSync } from 'node:fs';
  registerHooks({ load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context); } });
`)}`;

test('an agent that tails files starts without what only other programs and commands need', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-start-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, 'agent.conf');
  const source = `<source>\n@type tail\npath ${dir}/*.log\ntag t\n<parse>\n@type nginx\n</parse>\n</source>`;
  const system = `<system>\nstate_dir ${join(dir, 'state')}\nlog_level warn\nheartbeat_interval 0\n</system>`;
  writeFileSync(config, `${system}\n${source}\n${matchText}\n`);
  const args = ['--import', listing, main, 'run', '--config', config, '--once'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 });
  assert.equal(status, 0, stderr);
  const packages = new Set(stdout.match(/(?<=\/node_modules\/)(?:@[^/]+\/)?[^/]+/g));
  assert.ok(packages.has('@aws-sdk/client-kinesis'), 'the list is of what was loaded');
  // Each of them costs the start of every agent tens of milliseconds of CPU and megabytes.
  const unwanted = ['typebox', '@opentelemetry/api', 'fastify', 'tail', '@opensearch-project/opensearch'];
  assert.deepEqual(
    unwanted.filter((name) => packages.has(name)),
    [],
  );
});
