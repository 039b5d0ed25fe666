import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { isMillraceError } from '@millrace/core/errors.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createStreamStore } from '../local/engines/stream-store.ts';
import { byKeys, coverOnce, keySpace } from './hash-range.ts';
import { createKinesisStream } from './kinesis.ts';
import type { Stream } from './ports.ts';
import { scale } from './scale.ts';
import { FakeKinesis } from './testing/fake-kinesis.ts';
import { type KinesisLocal, startKinesisLocal } from './testing/kinesis-local.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const shardLimit = 6;

/** An engine with one stream of two shards. */
interface Engine {
  stream: Stream;
  put?: () => Promise<{ shard: string; sequence: string }>;
  wait: () => Promise<void>;
  hasCount: boolean;
}

const engines = {
  async kinesalite(t: TestContext): Promise<Engine> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-shards-'));
    const times = { createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0 };
    const server = createStreamStore({ path: join(dir, 'db'), ...times, shardLimit });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(dir, { recursive: true, force: true });
    });
    const port = (server.address() as AddressInfo).port;
    return { ...(await engineAt(t, `http://127.0.0.1:${port}`)), hasCount: false };
  },
  async 'kinesis-local'(t: TestContext): Promise<Engine> {
    // Its limit is one for all streams, closed shards included.
    const limited = await startKinesisLocal(shardLimit);
    t.after(() => limited.stop());
    return kinesisLocal(t, limited);
  },
  async 'the fake'(_t: TestContext): Promise<Engine> {
    const { world } = new FakeKinesis({ accountShards: shardLimit });
    return { stream: world.stream, wait: () => world.clock.sleep(5_000), hasCount: true };
  },
};

/** For what needs no limit: it takes a second to start. */
let roomy: KinesisLocal;
before(async () => {
  roomy = await startKinesisLocal(500);
});
after(() => roomy.stop());

/** Streams are those of an account, which the key names: each test has one to itself. */
const accounts = ['1', '2', '3', '4', '5'].map((digit) => digit.repeat(12));

async function kinesisLocal(t: TestContext, { endpoint }: KinesisLocal): Promise<Engine> {
  return { ...(await engineAt(t, endpoint, accounts.pop())), hasCount: true };
}

async function engineAt(t: TestContext, endpoint: string, accessKeyId = 'local') {
  const address = { region: 'us-east-1', endpoint, credentials: { ...credentials, accessKeyId } };
  const client = new KinesisClient({ ...address, requestHandler: new NodeHttpHandler() });
  const StreamName = 's';
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));
  const stream = createKinesisStream(StreamName, address, systemClock);
  t.after(() => {
    stream.close();
    client.destroy();
  });
  const wait = async () => {
    for (let i = 0; i < 200; i++) {
      if ((await stream.state()).status === 'ACTIVE') return;
      await systemClock.sleep(20);
    }
    assert.fail('the stream does not become ACTIVE');
  };
  await wait();
  const put = async () => {
    const record = { StreamName, PartitionKey: 'k', Data: Buffer.from('x') };
    const { ShardId = '', SequenceNumber = '' } = await client.send(new PutRecordCommand(record));
    return { shard: ShardId, sequence: SequenceNumber };
  };
  return { stream, wait, put };
}

const open = async (stream: Stream) => byKeys((await stream.shards()).filter((shard) => shard.open));

for (const [name, start] of Object.entries(engines)) {
  test(`${name}: a stream is seen, split, merged and remembered as the port says`, async (t) => {
    const { stream, wait, hasCount } = await start(t);
    const state = await stream.state();
    assert.deepEqual([state.status, state.onDemand, state.retentionMs], ['ACTIVE', false, 86_400_000]);
    const account = hasCount ? { shardsMax: shardLimit, shardsOpen: 2 } : undefined;
    assert.deepEqual(await stream.limits(), account);
    const [first, second] = await open(stream);
    assert.ok(first && second);
    assert.deepEqual([first.from, first.to + 1n, second.to], [0n, second.from, keySpace - 1n]);

    assert.deepEqual(await stream.split(first.id, 2n ** 126n), { kind: 'started' });
    await wait();
    const [left, right, other] = await open(stream);
    assert.ok(left && right && other);
    assert.deepEqual([left.parents, right.from, other.id], [[first.id], 2n ** 126n, second.id]);
    assert.equal((await stream.shards()).find(({ id }) => id === first.id)?.open, false);

    assert.deepEqual(await stream.merge(left.id, right.id), { kind: 'started' });
    await wait();
    const merged = (await open(stream))[0];
    assert.deepEqual([merged?.parents.toSorted(), merged?.to], [[left.id, right.id].sort(), first.to]);
    assert.ok(coverOnce(await open(stream)));

    assert.deepEqual(await stream.history(), { latestMs: undefined, countCalls: [], begun: undefined });
    const history = {
      latestMs: 1_900_000_000_000,
      countCalls: Array.from({ length: 10 }, (_, i) => 1.9e12 + i * 1e3),
      begun: { atMs: 1_900_000_060_000, count: 10_000, byCount: true, newest: 4_711 },
    };
    assert.deepEqual(await stream.remember(history), { kind: 'started' });
    assert.deepEqual(await stream.history(), history);
  });

  test(`${name}: what cannot be done now is an answer, what is wrong an error`, async (t) => {
    const { stream, wait, hasCount } = await start(t);
    const counted = await stream.updateCount(4);
    if (!hasCount) assert.equal(counted.kind, 'unsupported');
    else {
      assert.deepEqual(counted, { kind: 'started' });
      const busy = await stream.split((await open(stream))[0]?.id ?? '', 2n ** 120n);
      assert.equal(busy.kind, 'busy');
      // As AddTagsToStream is documented; kinesis-local takes them.
      const begun = { atMs: 1.9e12, count: 4, byCount: true, newest: 1 };
      const noted = await stream.remember({ latestMs: undefined, countCalls: [], begun });
      if (name === 'the fake') assert.equal(noted.kind, 'busy');
      await wait();
      assert.equal((await open(stream)).length, 4);
      assert.ok(coverOnce(await open(stream)));
      await assert.rejects(stream.updateCount(9), /InvalidArgumentException/);
    }
    let kind = 'started';
    for (let i = 0; i < shardLimit && kind === 'started'; i++) {
      const [widest] = (await open(stream)).sort((a, b) => (a.to - a.from > b.to - b.from ? -1 : 1));
      assert.ok(widest);
      kind = (await stream.split(widest.id, (widest.from + widest.to) / 2n)).kind;
      await wait();
    }
    assert.equal(kind, 'limit');
    assert.ok((await open(stream)).length <= shardLimit);
  });
}

test('how old the first record is that a checkpoint does not cover', async (t) => {
  for (const { stream, put } of [await engines.kinesalite(t), await kinesisLocal(t, roomy)]) {
    const { shard, sequence } = (await put?.()) ?? assert.fail();
    await systemClock.sleep(30);
    const uncovered = await stream.behindMs(shard, 'TRIM_HORIZON');
    assert.ok(uncovered !== undefined && uncovered >= 20, String(uncovered));
    assert.equal(await stream.behindMs(shard, sequence), 0);
    assert.equal(await stream.behindMs(shard, 'LATEST'), 0);
  }
});

test('tags come by pages, and are not taken while the stream is UPDATING', async (t) => {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString());
    const target = String(request.headers['x-amz-target']);
    const pages: Record<string, object> = {
      first: { Tags: [{ Key: 'team', Value: 'x' }], HasMoreTags: true },
      team: { Tags: [{ Key: 'millrace-resharding', Value: '1900000000 8 split 5' }], HasMoreTags: false },
    };
    const listed = target.endsWith('.ListTagsForStream');
    response.statusCode = listed ? 200 : 400;
    const page = pages[asked.ExclusiveStartTagKey ?? 'first'];
    response.end(JSON.stringify(listed ? page : { __type: 'ResourceInUseException', message: 'UPDATING' }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stream = createKinesisStream('s', { region: 'us-east-1', endpoint, credentials }, systemClock);
  t.after(() => stream.close());
  const history = await stream.history();
  assert.deepEqual(history.begun, { atMs: 1.9e12, count: 8, byCount: false, newest: 5 });
  assert.deepEqual(await stream.remember(history), { kind: 'busy', message: 'UPDATING' });
});

test('a stream that is not there, and an engine that does not answer, are told with what to do', async (t) => {
  const address = { region: 'us-east-1', endpoint: roomy.endpoint, credentials };
  const stream = createKinesisStream('none', address, systemClock);
  t.after(() => stream.close());
  await assert.rejects(stream.state(), (error) => {
    assert.ok(isMillraceError(error, 'STREAM_UNAVAILABLE'));
    assert.match(
      `${error.message} ${error.hint}`,
      /DescribeStreamSummary of stream none.*--stream, --region/,
    );
    return true;
  });
  const nobody = createKinesisStream('none', { ...address, endpoint: 'http://127.0.0.1:1' }, systemClock);
  t.after(() => nobody.close());
  await assert.rejects(nobody.shards(), (error) => isMillraceError(error, 'STREAM_UNAVAILABLE'));
});

test('kinesis-local: 2 shards become 5 and 3 even ones, whatever the engine makes of UpdateShardCount', async (t) => {
  const { stream, wait } = await kinesisLocal(t, roomy);
  const clock = { ...systemClock, sleep: () => systemClock.sleep(25) };
  const world = { stream, clock, leases: { leases: async () => undefined, close: () => undefined } };
  const told: string[] = [];
  const options = {
    apply: true,
    byCount: true,
    behindMax: 0.25,
    noConsumer: true,
    failoverMs: 1_000,
    patienceMs: 10_000,
    tell: (line: string) => void told.push(line),
  };
  for (const count of [5, 3]) {
    const result = await scale(world, { ...options, count });
    assert.deepEqual([result.kind, result.open], ['done', count], told.join('\n'));
    await wait();
    const shares = (await open(stream)).map(({ from, to }) => Number((to - from) / 2n ** 100n) / 2 ** 28);
    assert.ok(
      shares.every((share) => Math.abs(share * count - 1) < 0.01),
      String(shares),
    );
    assert.ok(coverOnce(await open(stream)));
  }
  assert.ok(told.some((line) => line.startsWith('UpdateShardCount')));
});
