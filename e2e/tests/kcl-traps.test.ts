import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { listKeys } from '../harness/archive.ts';
import { leaseCheckpoints } from '../harness/leases.ts';
import { splitTo } from '../harness/shards.ts';
import { clientOptions, endpoint, eventually, root, stackUnderTest } from '../harness/stack.ts';
import { type ConsumerJson, Worker } from '../harness/worker.ts';

const stack = stackUnderTest();

/** A consumer of its own application: it reads the stream beside the stack's, from its beginning. */
function ownWorker(t: TestContext, name: string, change: (config: ConsumerJson) => void = () => {}): Worker {
  const worker = new Worker(stack, name, (config) => {
    config.application = name;
    change(config);
  });
  t.after(() => worker.kill());
  return worker;
}

function blockOfLine(line: string): Buffer {
  const rule = '{"parse":{"expression":"^(?<what>.*)$","type":"regexp"},"v":1}';
  const run = { bytes: Buffer.from(`${line}\n`), from: 0, capturedMs: Date.now(), multiline: false };
  const { header, payload } = blockOf([run], rule);
  return encodeBlock({ ...header, agent: Buffer.from(line.padEnd(16).slice(0, 16)) }, payload);
}

/** A block of one line goes into the stream past the agent. Returns its bytes, and where Kinesis put it. */
async function putBlock(line: string): Promise<{ bytes: Buffer; shard: string; sequence: string }> {
  const bytes = blockOfLine(line);
  const client = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
  const put = new PutRecordCommand({ StreamName: 'millrace', Data: bytes, PartitionKey: line.slice(-20) });
  const { ShardId: shard = '', SequenceNumber: sequence = '' } = await client.send(put);
  client.destroy();
  return { bytes, shard, sequence };
}

test('a block that hangs its process is tried twice by the real daemon, then set aside, and its shard goes on', async (t) => {
  const token = `poison${process.pid}`;
  const worker = ownWorker(t, 'poisoned', (config) => {
    config.block_ms_max = 2_000;
  });
  // Expressions hang no process any more; this stands for what else may.
  const hook = join(worker.dir, 'hang.mjs');
  writeFileSync(
    hook,
    `if (process.argv[1]?.endsWith('child.ts')) {
      const { exec } = RegExp.prototype;
      RegExp.prototype.exec = function (text) {
        while (typeof text === 'string' && text.includes('${token}'));
        return exec.call(this, text);
      };
    }`,
  );
  const bad = await putBlock(token);
  worker.start({ NODE_OPTIONS: `--import "${hook}"` });
  await eventually('the block is set aside', 180, async () =>
    worker.events('set_aside_stored').length > 0 ? true : undefined,
  );
  const hung = worker.events('block_hung').map(({ record, deaths }) => ({ record, deaths }));
  const record = `${bad.sequence}.0`;
  assert.deepEqual(hung, [
    { record, deaths: 0 },
    { record, deaths: 1 },
  ]);
  await eventually('the checkpoint is past the block', 60, async () => {
    const at = (await leaseCheckpoints(stack, 'poisoned')).get(bad.shard);
    return at !== undefined && BigInt(at) >= BigInt(bad.sequence) ? at : undefined;
  });
  assert.equal(worker.events('block_hung').length, 2);
  const objects = await readObjects('set-aside/');
  const stored = objects.find((bytes) => bytes.includes(bad.bytes));
  assert.ok(stored?.includes('"reason":"fatal"'), 'its bytes and the reason are in the bucket');
  assert.equal(await worker.stop(), 0);
});

/** What `zstd -dc` prints of each. */
async function readObjects(prefix: string): Promise<Buffer[]> {
  const s3 = new S3Client({ ...clientOptions, endpoint: endpoint(stack, 's3'), forcePathStyle: true });
  const texts: Buffer[] = [];
  for (const key of await listKeys(stack, prefix)) {
    const answer = await s3.send(new GetObjectCommand({ Bucket: 'millrace', Key: key }));
    const input = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    texts.push(spawnSync('zstd', ['-dcq'], { input }).stdout);
  }
  s3.destroy();
  return texts;
}

test('a worker that is stopped while a call waits for the store ends by itself, asked and answered', async (t) => {
  const worker = ownWorker(t, 'waiting', (config) => {
    config.store = { type: 'opensearch', node: 'http://127.0.0.1:9' };
    config.index = { queue_bytes_max: 65_536, give_up_ms: 600_000 };
    // A call that takes longer than that is no reason to lose the lease.
    config.leases = { ...(config.leases as object), failover_ms: 1_000 };
  });
  for (let i = 0; i < 200; i++) await putBlock(`waiting ${'x'.repeat(2_000)} ${i}`);
  worker.start();
  await eventually('a call waits', 120, async () => {
    const text = await worker.metrics();
    const records = /millrace_shard_records_total\S* (\d+)/.exec(text)?.[1];
    return Number(records) > 0 ? true : undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  assert.deepEqual(worker.events('lease_lost'), []);
  const started = worker.events('shard_started').map(({ shard }) => shard);
  assert.equal(new Set(started).size, started.length, 'each shard is with the process that began it');
  assert.equal(await worker.stop(), 0);
  assert.deepEqual(worker.events('daemon_killed'), []);
  assert.ok(worker.events('shard_released').length > 0, 'the daemon asked, the shards answered');
});

test('shards that no worker has room for are told of, until one has', async (t) => {
  await splitTo(stack, 2);
  const worker = (name: string, shards_max: number) =>
    ownWorker(t, name, (config) => {
      config.application = 'unread';
      config.leases = { ...(config.leases as object), failover_ms: 1_000, shards_max };
    });
  const full = worker('unread-full', 1);
  full.start();
  const told = (name: string) => eventually(name, 240, async () => full.events(name)[0]);
  await told('shards_unread');
  assert.match(await full.metrics(), /^millrace_consumer_shards_unread [1-9]/m);
  worker('unread-free', 50).start();
  await told('shards_read');
  assert.match(await full.metrics(), /^millrace_consumer_shards_unread 0/m);
  assert.equal(await full.stop(), 0);
});

/** What the stand-in says to the calls of enhanced fan-out, which it does not have; to no other call of the daemon. */
const refusal = /UnknownOperationException/;

test('with fan_out the daemon asks for a consumer of its own, without it never', async (t) => {
  for (const fan_out of [true, false]) {
    const worker = ownWorker(t, `fan-out-${fan_out}`, (config) => {
      config.stream.fan_out = fan_out;
      config.log_level = 'debug';
    });
    worker.start();
    if (fan_out) {
      await eventually('the daemon asks for its consumer', 120, async () =>
        refusal.test(worker.text()) ? true : undefined,
      );
    } else {
      await eventually('a shard is read', 120, async () =>
        worker.events('shard_started').length > 0 ? true : undefined,
      );
      assert.doesNotMatch(worker.text(), refusal);
    }
    await worker.kill();
  }
});

/** Preloaded into a stream stand-in: every second GetRecords is refused as Kinesis refuses it. */
const refuseReads = `
  import { createRequire } from 'node:module';
  const require = createRequire(process.argv[1]);
  const path = require.resolve('kinesalite/actions/getRecords');
  const read = require(path);
  let calls = 0;
  const body = { __type: 'ProvisionedThroughputExceededException', message: 'Rate exceeded for shard' };
  require.cache[path].exports = (store, data, callback) => {
    if (++calls % 2 === 0) read(store, data, callback);
    else callback(Object.assign(new Error(body.message), { statusCode: 400, body }));
  };
`;

test('reads that Kinesis refuses for their rate are repeated, and everything comes', async (t) => {
  const dir = join(stack.dataDir, 'refusing');
  mkdirSync(dir);
  writeFileSync(join(dir, 'refuse.mjs'), refuseReads);
  const port = 21_000 + (process.pid % 1_000);
  const server = join(root, 'deploy/src/local/engines/kinesis-server.ts');
  const kinesis = spawn(
    process.execPath,
    ['--import', join(dir, 'refuse.mjs'), server, String(port), join(dir, 'stream')],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  t.after(() => kinesis.kill('SIGKILL'));
  const own = `http://127.0.0.1:${port}`;
  const client = new KinesisClient({ ...clientOptions, endpoint: own });
  t.after(() => client.destroy());
  await eventually('the stream is there', 30, async () =>
    client.send(new CreateStreamCommand({ StreamName: 'refusing', ShardCount: 1 })).then(
      () => true,
      () => undefined,
    ),
  );
  const worker = ownWorker(t, 'refused', (config) => {
    config.stream = { ...config.stream, name: 'refusing', endpoint: own };
  });
  worker.start();
  const lines = Array.from({ length: 20 }, (_, i) => `refused ${i}`);
  for (const line of lines) {
    const Data = blockOfLine(line);
    await client.send(new PutRecordCommand({ StreamName: 'refusing', Data, PartitionKey: line }));
  }
  await eventually('all records are read', 120, async () =>
    Number(/millrace_shard_records_total\S* (\d+)/.exec(await worker.metrics())?.[1]) >= lines.length
      ? true
      : undefined,
  );
  assert.deepEqual(worker.events('daemon_exited'), []);
  assert.equal(worker.events('shard_started').length, 1);
});
