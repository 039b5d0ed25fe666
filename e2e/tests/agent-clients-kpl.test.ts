import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { AgentProcess } from '../../agent/src/testing/agent-process.ts';
import { KinesisServer } from '../../agent/src/testing/kinesis-server.ts';
import { pythonWith } from '../harness/clients.ts';

const run = promisify(execFile);
const count = 20_000;

test("AWS's library takes every aggregated record apart, each event once", async (t) => {
  const python = await pythonWith('aws_kinesis_agg==1.2.3 six==1.17.0');
  const dir = mkdtempSync(join(tmpdir(), 'millrace-kpl-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const server = new KinesisServer();
  await server.listen();
  t.after(() => server.close());
  // A shard over its limit for one call: what was refused comes again, whole.
  server.script.push({ do: 'refuse', which: (index) => index % 2 === 0 });
  const lines = Array.from({ length: count }, (_, i) => `line ${i} ${'한글"\\ '.repeat(i % 40)}`);
  writeFileSync(join(dir, 'a.log'), lines.map((line) => `${line}\n`).join(''));
  const config = join(dir, 'agent.conf');
  writeFileSync(
    config,
    `<system>\nstate_dir ${dir}/state\n</system>\n<source>\n@type tail\npath ${dir}/a.log\ntag app\nread_from_head true\n<parse>\n@type none\n</parse>\n</source>\n` +
      `<match **>\n@type kinesis_streams_aggregated\nstream_name s\nregion r\nendpoint ${server.url}\n</match>\n`,
  );
  const agent = new AgentProcess(config, ['--once']);
  assert.equal(await agent.exited(), 0);
  assert.deepEqual(server.violations, []);
  const blocks = join(dir, 'records.json');
  const records = server.blocks.map((data, i) => ({
    kinesis: {
      data: data.toString('base64'),
      partitionKey: 'p',
      sequenceNumber: String(i),
      approximateArrivalTimestamp: 0,
      kinesisSchemaVersion: '1.0',
    },
  }));
  writeFileSync(blocks, JSON.stringify(records));
  const script = [
    'import base64, json, sys',
    'from aws_kinesis_agg.deaggregator import deaggregate_records',
    'for record in deaggregate_records(json.load(open(sys.argv[1]))):',
    '    sys.stdout.write(base64.b64decode(record["kinesis"]["data"]).decode())',
  ];
  const { stdout } = await run(python, ['-c', script.join('\n'), blocks], { maxBuffer: 64 * 1024 * 1024 });
  const got = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { message: string }).message);
  assert.deepEqual(got.toSorted(), lines.toSorted());
});
