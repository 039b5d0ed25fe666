import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import dynalite from 'dynalite';
import { createStreamStore } from '../../local/engines/stream-store.ts';
import { type CliContext, parseCommand } from '../command.ts';
import { shards } from './shards.ts';

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A stream of two shards, a lease table in which a KCL renews leases, and a consumer's metrics. */
async function world(t: TestContext, { renews }: { renews: boolean }) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-shards-command-'));
  const path = (name: string) => join(dir, name);
  const kinesis = await listen(
    t,
    createStreamStore({
      path: path('kinesis'),
      createStreamMs: 0,
      deleteStreamMs: 0,
      updateStreamMs: 0,
      shardLimit: 50,
    }),
  );
  const times = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const leases = await listen(t, dynalite({ path: path('leases'), ...times }));
  const metrics = createServer((_, response) => {
    response.end('millrace_shard_iterator_age_ms{shard="shardId-000000000000"} 40\n');
  });
  const consumer = await listen(t, metrics);
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const at = { region: 'us-east-1', requestHandler: new NodeHttpHandler() };
  const client = new KinesisClient({ ...at, endpoint: kinesis });
  await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 2 }));
  const dynamo = new DynamoDBClient({ ...at, endpoint: leases });
  await dynamo.send(
    new CreateTableCommand({
      TableName: 'app',
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  let counter = 0;
  const renew = async () => {
    counter++;
    for (const shard of ['shardId-000000000000', 'shardId-000000000001'])
      await dynamo.send(
        new PutItemCommand({
          TableName: 'app',
          Item: {
            leaseKey: { S: shard },
            leaseOwner: { S: 'w' },
            leaseCounter: { N: String(renews ? counter : 1) },
            checkpoint: { S: 'TRIM_HORIZON' },
          },
        }),
      );
  };
  // The table can be written a moment after it was made.
  for (let i = 0; i < 50; i++) {
    const written = await renew().then(
      () => true,
      () => false,
    );
    if (written) break;
    await systemClock.sleep(20);
  }
  const timer = setInterval(() => void renew().catch(() => undefined), 100);
  t.after(() => {
    clearInterval(timer);
    client.destroy();
    dynamo.destroy();
    rmSync(dir, { recursive: true, force: true });
  });
  const config = path('consumer.json');
  const region = 'us-east-1';
  const stream = { name: 's', region, endpoint: kinesis };
  writeFileSync(
    config,
    JSON.stringify({ application: 'app', stream, leases: { endpoint: leases, failover_ms: 1_000 } }),
  );
  return (...args: string[]) => run(...args, '--config', config, '--consumer', consumer);
}

async function run(...args: string[]): Promise<{ code: number; out: string }> {
  let out = '';
  const take = (text: string) => {
    out += text;
  };
  // Time passes at once where nothing but a window is waited for.
  const clock = { ...systemClock, sleep: (ms: number) => systemClock.sleep(Math.min(ms, 200)) };
  const context = {
    root: '/nowhere',
    cwd: '/',
    env: {},
    clock,
    stdout: take,
    stderr: take,
  } as unknown as CliContext;
  return { code: await shards.run(context, parseCommand(shards, args)), out };
}

test('status shows each shard, who reads it, and how far it is behind', async (t) => {
  const command = await world(t, { renews: true });
  const { code, out } = await command('status', '--json');
  const report = JSON.parse(out) as Record<string, unknown> & { shards: Record<string, unknown>[] };
  assert.deepEqual([code, report.open, report.even, report.following], [0, 2, true, true]);
  assert.deepEqual([report.mode, report.retention_hours, report.account], ['provisioned', 24, null]);
  const [first] = report.shards;
  assert.deepEqual(
    [first?.share, first?.consumer, first?.behind_ms, first?.iterator_age_ms],
    [0.5, 'read', 0, 40],
  );
  const text = (await command('status')).out;
  assert.match(text, /s: ACTIVE, provisioned, kept for 24 h\n2 open shards, 0 closed/);
  assert.match(text, /shardId-000000000001 {2}open {3}50\.0 %/);
});

test('status ends with 1 when a lease stands still, and scale refuses', async (t) => {
  const command = await world(t, { renews: false });
  const { code, out } = await command('status');
  assert.equal(code, 1);
  assert.match(out, /shardId-000000000001.*unread/);
  const refused = await command('scale', '4', '--apply');
  assert.equal(refused.code, 4);
  assert.match(refused.out, /^refused, nothing was changed; open: 2\n {2}nobody reads shardId/);
});

test('plan proposes and says why; scale tells before it acts', async (t) => {
  const command = await world(t, { renews: true });
  const plan = await command('plan', '--target', '50');
  assert.equal(plan.code, 0);
  assert.match(plan.out, /^1 shard \(2 now\)\n.*peak: 0\.000 MB\/s/s);
  const dry = await command('scale', '3');
  assert.equal(dry.code, 0);
  assert.match(dry.out, /2 shards now; with --apply, towards 3:\n {2}SplitShard/);
  assert.match((await command('scale', '2')).out, /^2 even shards already; who reads them was not asked\n$/);
  const alone = await command('scale', '3', '--apply', '--no-consumer');
  assert.equal(alone.code, 0, alone.out);
  assert.match(alone.out, /\n3 even shards; who reads them was not asked\n$/);
  const late = await command('status', '--json');
  assert.equal(late.code, 1, 'nobody reads the new ones');
  assert.match(late.out, /"consumer": "parent"/);
});

test('auto tells what it would do, and ends with 6', async (t) => {
  const command = await world(t, { renews: true });
  const held = await command('auto', '--min', '2');
  assert.equal(held.code, 0, held.out);
  assert.match(held.out, /^hold: 2 → 2 shards/);
  const up = await command('auto', '--min', '3', '--json');
  const line = JSON.parse(up.out);
  assert.deepEqual([up.code, line.event, line.exit, line.count], [6, 'shards_auto', 6, 3]);
  assert.equal(up.out.split('\n').length, 2, 'one line: that is what alarms count');
});

test('what is wrong on the command line is told before anything is asked', async () => {
  const usage = (args: string[], message: RegExp) =>
    assert.rejects(run(...args), (error: Error) => message.test(error.message) || assert.fail(error.message));
  await usage(['statsu'], /no "statsu", did you mean status\?/);
  await usage(['scale'], /to how many\?/);
  await usage(['scale', '0'], /"0" is no number of shards/);
  await usage(['status', '4'], /one argument too many/);
  await usage(['plan', '--apply'], /shards plan has no --apply; scale and auto have it/);
  await usage(['scale', '4', '--by', 'magic', '--stream', 'x', '--region', 'r'], /neither count nor split/);
  await usage(['status', '--stream', 'x', '--config', 'y'], /--config and --stream name different streams/);
  await usage(['status', '--stream', 'x'], /--region is missing/);
  await usage(['status', '--region', 'x'], /--region belongs to --stream/);
  await usage(
    ['auto', '--min', '9', '--max', '3', '--stream', 'x', '--region', 'r'],
    /--min 9 is more than --max 3/,
  );
  assert.equal((await run('status', '--data', '/nowhere/at/all')).code, 3);
});
