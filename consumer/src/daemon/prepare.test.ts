import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { ConsumerConfigSchema } from '../config.ts';
import { prepareDaemon } from './prepare.ts';

function setUp(t: TestContext, jar: string) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace prepare '));
  t.after(() => rmSync(folder, { recursive: true }));
  const jars = join(folder, 'jars');
  mkdirSync(jars);
  writeFileSync(join(jars, jar), '');
  const state = join(folder, 'state');
  const config = validateConfig(
    ConsumerConfigSchema,
    {
      stream: { name: 'millrace', region: 'us-east-1' },
      archive: { bucket: 'millrace', region: 'us-east-1' },
      store: { type: 'opensearch', node: 'http://127.0.0.1:9200' },
      http: { port: 0 },
      java: { bin: '/bin/java', jars, heap_mb: 300 },
      state_dir: state,
    },
    'test',
  );
  return { state, prepare: () => prepareDaemon(config, '/etc/consumer.json', 'worker') };
}

test('the JVM takes the memory it is given and ends when it has none left', (t) => {
  const { args } = setUp(t, 'amazon-kinesis-client-multilang-2.7.2.jar').prepare();
  const jvmFlags = args.slice(0, args.indexOf('-cp'));
  for (const flag of ['-Xms64m', '-Xmx300m', '-XX:+ExitOnOutOfMemoryError'])
    assert.ok(jvmFlags.includes(flag), flag);
});

test("a shard's process has bounded memory and no expression that runs for ever", (t) => {
  const { state, prepare } = setUp(t, 'amazon-kinesis-client-multilang-2.7.2.jar');
  prepare();
  const script = readFileSync(join(state, 'shard.sh'), 'utf8');
  const nodeFlags = script.slice(0, script.indexOf('child.ts'));
  for (const flag of [
    '--enable-experimental-regexp-engine-on-excessive-backtracks',
    '--max-old-space-size=512',
    '--max-semi-space-size=32',
  ])
    assert.ok(nodeFlags.includes(`'${flag}'`), flag);
});

test('a folder without the jar of the daemon is said before java is started', (t) => {
  const { prepare } = setUp(t, 'slf4j-api-2.0.17.jar');
  assert.throws(prepare, { code: 'ENGINE_MISSING' });
});
