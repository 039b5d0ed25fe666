import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { InputCase } from '../../agent/src/testing/input-case.ts';
import { pythonWith } from '../harness/clients.ts';

const run = promisify(execFile);
// It brings the SDK of its version along.
const exporter = 'opentelemetry-exporter-otlp-proto-http==1.38.0';

const program = `
import logging, sys
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
provider = LoggerProvider(resource=Resource.create({"service.name": "shop"}))
exporter = OTLPLogExporter(endpoint=sys.argv[1], compression=Compression.Gzip)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
logger = logging.getLogger("lib")
logger.setLevel(logging.INFO)
logger.addHandler(LoggingHandler(logger_provider=provider))
for n in range(1000):
    logger.error("failed %d", n, extra={"n": n})
provider.shutdown()
`;

test("OpenTelemetry's Python exporter delivers every log record", async (t) => {
  const interpreter = await pythonWith(exporter);
  const world = await InputCase.open(t, [
    ...['@type opentelemetry', `tag otlp.\${service.name}`, '<http>', 'port PORT', '</http>'],
  ]);
  await world.start();
  await run(interpreter, ['-c', program, `http://127.0.0.1:${world.port}/v1/logs`], { timeout: 60_000 });
  await world.stop();
  assert.ok(world.records().every((line) => line.startsWith('otlp.shop ')));
  const records = world.texts().map((text) => JSON.parse(text) as Record<string, unknown>);
  const attributes = records.map((record) => (record.attributes as { n: number }).n);
  assert.deepEqual(
    attributes.toSorted((a, b) => a - b),
    Array.from({ length: 1000 }, (_, n) => n),
  );
  for (const record of records) {
    assert.match(String(record.message), /^failed \d+$/);
    assert.equal(record['log.level'], 'error');
    assert.equal(record['service.name'], 'shop');
    assert.match(String(record['@time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  }
});

test('curl delivers events by HTTP: forms, JSON, files of NDJSON compressed', async (t) => {
  const world = await InputCase.open(t, ['@type http', 'port PORT']);
  await world.start();
  const url = `http://127.0.0.1:${world.port}/app.log`;
  const file = join(world.dir, 'events.ndjson');
  writeFileSync(file, '{"n":3}\n{"n":4}\n');
  execFileSync('gzip', [file]);
  const curl = async (...args: string[]) =>
    (await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args, url])).stdout;
  assert.equal(await curl('-d', 'json={"n":1}'), '200');
  assert.equal(await curl('-H', 'content-type: application/json', '-d', '{"n":2}'), '200');
  const headers = ['-H', 'content-type: application/x-ndjson', '-H', 'content-encoding: gzip'];
  assert.equal(await curl(...headers, '--data-binary', `@${file}.gz`), '200');
  // Chunked, as curl sends what it does not know the length of, and after "Expect: 100-continue".
  assert.equal(
    await curl(
      '-H',
      'content-type: application/json',
      '-H',
      'transfer-encoding: chunked',
      '-H',
      'expect: 100-continue',
      '-d',
      '{"n":5}',
    ),
    '200',
  );
  await world.stop();
  assert.deepEqual(
    world.records(),
    [1, 2, 3, 4, 5].map((n) => `app.log {"n":${n}}\n`),
  );
});
