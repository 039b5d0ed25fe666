import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { ConsumerConfigSchema } from '../config.ts';
import { daemonProperties, launcherScript } from './properties.ts';

const minimal = {
  stream: { name: 'millrace', region: 'us-east-1' },
  archive: { bucket: 'millrace', region: 'us-east-1' },
  store: { type: 'opensearch', node: 'http://127.0.0.1:9200' },
  http: { port: 0 },
  java: { bin: '/bin/java', jars: '/jars' },
  state_dir: '/var/lib/millrace',
};

const minimum = (schema: object) => (schema as { minimum: number }).minimum;

function properties(extra: object = {}): Record<string, string> {
  const text = daemonProperties(
    validateConfig(ConsumerConfigSchema, { ...minimal, ...extra }, 'test'),
    'worker 1',
  );
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' = ') as [string, string]),
  );
}

test('the traps of the daemon are set explicitly', () => {
  const set = properties();
  assert.equal(set.retrievalMode, 'POLLING');
  assert.equal(set.initialPositionInStream, 'TRIM_HORIZON');
  assert.equal(set.callProcessRecordsEvenForEmptyRecordList, 'true');
  assert.equal(set.metricsLevel, 'NONE');
  assert.equal(set.shutdownGraceMillis, '20000');
  assert.equal(set.idleTimeBetweenReadsInMillis, '200');
});

test('no property has a value that the daemon takes for unset', () => {
  const { stream, leases, drain_ms } = ConsumerConfigSchema.properties;
  const least = {
    stream: { ...minimal.stream, read_interval_ms: minimum(stream.properties.read_interval_ms) },
    leases: {
      failover_ms: minimum(leases.properties.failover_ms),
      shards_max: minimum(leases.properties.shards_max),
    },
    drain_ms: minimum(drain_ms),
  };
  const fanOut = { stream: { ...minimal.stream, fan_out: true } };
  for (const extra of [{}, least, fanOut]) {
    for (const [key, value] of Object.entries(properties(extra)))
      assert.ok(!['0', 'false', ''].includes(value), `${key} of ${JSON.stringify(extra)}`);
  }
});

test('the time after which a lease is taken over is the configured one', () => {
  assert.equal(properties().failoverTimeMillis, '10000');
  assert.equal(properties({ leases: { failover_ms: 2_345 } }).failoverTimeMillis, '2345');
});

test('enhanced fan-out is chosen by name, and nothing of polling is set beside it', () => {
  const set = properties({ stream: { ...minimal.stream, fan_out: true } });
  assert.equal(set.retrievalMode, 'FANOUT');
  assert.equal(set.idleTimeBetweenReadsInMillis, undefined);
  assert.equal(properties({ stream: { ...minimal.stream, fan_out: false } }).retrievalMode, 'POLLING');
});

test('nothing is set whose only use would be to say no, or that kills the daemon by a timer', () => {
  const set = properties();
  for (const key of ['cleanupLeasesUponShardCompletion', 'timeoutInSeconds', 'maxActiveThreads'])
    assert.equal(set[key], undefined, key);
  assert.equal(set.maxLeasesForWorker, '256', 'the name that the KCL knows');
});

test('endpoints are written only where they are configured', () => {
  assert.equal(properties().kinesisEndpoint, undefined);
  const stream = { ...minimal.stream, endpoint: 'http://127.0.0.1:6701' };
  assert.equal(
    properties({ stream, leases: { endpoint: 'http://127.0.0.1:6702' } }).kinesisEndpoint,
    stream.endpoint,
  );
});

test('the launcher keeps words with spaces and quotes together', () => {
  const script = launcherScript([process.execPath, '-p', 'process.argv[1]', "it's a path/with spaces"]);
  const run = spawnSync('/bin/sh', ['-s'], { input: script });
  assert.equal(run.stdout.toString(), "it's a path/with spaces\n");
});
