import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { ensureTable, seedLeases } from './seed-leases.ts';

/** DynamoDB that answers each call by name, or not at all. */
async function setUp(t: TestContext, answers: Record<string, object>) {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    const call = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    calls.push(call);
    request.resume();
    const answer = answers[call];
    if (answer !== undefined) {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
  const dynamo = new DynamoDBClient({ region: 'us-east-1', endpoint, credentials });
  t.after(() => {
    dynamo.destroy();
    server.close();
    server.closeAllConnections();
  });
  const stop = new AbortController();
  const seenCall = async () => {
    while (calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  return { dynamo, calls, stop, seenCall };
}

const shards = () =>
  Promise.resolve([
    { id: 's-0', parents: [], startingHash: '0', endingHash: '7' },
    { id: 's-1', parents: ['s-0'], startingHash: '0', endingHash: '3' },
    { id: 's-2', parents: ['s-9'], startingHash: '4', endingHash: '7' },
  ]);

test('shards without a known parent get a lease in an empty table, others wait for theirs', async (t) => {
  const active = { Table: { TableStatus: 'ACTIVE' } };
  const { dynamo, calls, stop } = await setUp(t, { DescribeTable: active, Scan: { Count: 0 }, PutItem: {} });
  assert.equal(await seedLeases(dynamo, 'table', shards, systemClock, stop.signal), 2);
  assert.deepEqual(calls, ['DescribeTable', 'Scan', 'PutItem', 'PutItem']);
});

test('a stop ends the wait for a database that does not answer', async (t) => {
  const { dynamo, stop, seenCall } = await setUp(t, {});
  const seeding = seedLeases(dynamo, 'table', shards, systemClock, stop.signal);
  await seenCall();
  stop.abort();
  await assert.rejects(seeding);
});

test('a stop ends the wait for a table that does not become active', async (t) => {
  const { dynamo, stop, seenCall } = await setUp(t, {
    DescribeTable: { Table: { TableStatus: 'CREATING' } },
  });
  const ensuring = ensureTable(dynamo, 'table', 'key', systemClock, stop.signal);
  await seenCall();
  stop.abort();
  await assert.rejects(ensuring);
});
