import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { KinesisClient, PutRecordsCommand, type PutRecordsOutput } from '@aws-sdk/client-kinesis';
import { clientSettings } from './connection.ts';
import { OwnBodies } from './own-body.ts';

type Answer = [status: number, body: object];

const taken: Answer = [200, { FailedRecordCount: 0, Records: [{ SequenceNumber: '1', ShardId: 's' }] }];
const refused: Answer = [
  200,
  { FailedRecordCount: 1, Records: [{ ErrorCode: 'ProvisionedThroughputExceededException' }] },
];
const body = Buffer.from('{"StreamName":"s","Records":[{"PartitionKey":"k","Data":"eA=="}]}');

/** Sends as many bodies as there are answers, one behind another; what was asked, and each call's outcome. */
async function sendAll(calls: number, answers: Answer[], sessionToken?: string) {
  const asked: { headers: IncomingMessage['headers']; text: string }[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const [status, answer] = answers[asked.length] ?? taken;
      asked.push({ headers: request.headers, text });
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new KinesisClient(
    clientSettings({
      region: 'eu-west-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'a', secretAccessKey: 'b', ...(sessionToken ? { sessionToken } : {}) },
      proxy: undefined,
      verifyPeer: true,
      fips: false,
      dualStack: false,
      requestsInFlightMax: 1,
    }),
  );
  let official = 0;
  const bodies = new OwnBodies<PutRecordsOutput>(client, 'FailedRecordCount');
  const outcomes: (string | undefined)[] = [];
  for (let i = 0; i < calls; i++) {
    const input = { StreamName: 's', Records: [] };
    try {
      const answer = await bodies.send(body, input, () => {
        official++;
        return client.send(new PutRecordsCommand(input));
      });
      outcomes.push(answer?.Records?.[0]?.ErrorCode ?? (answer === undefined ? 'taken' : undefined));
    } catch (error) {
      outcomes.push(error instanceof Error ? error.name : 'thrown');
    }
  }
  client.destroy();
  server.close();
  server.closeAllConnections();
  return { asked, outcomes, official };
}

test("calls after the first are made in the first one's pattern, each signed for itself", async () => {
  const { asked, outcomes, official } = await sendAll(3, [], 'token');
  assert.equal(official, 1);
  assert.deepEqual(outcomes, ['taken', 'taken', 'taken']);
  assert.equal(new Set(asked.map(({ headers }) => headers['amz-sdk-invocation-id'])).size, 3);
  for (const { headers, text } of asked) {
    assert.equal(text, body.toString());
    assert.deepEqual(Object.keys(headers).sort(), Object.keys(asked[0]?.headers ?? {}).sort());
    assert.equal(headers['x-amz-target'], 'Kinesis_20131202.PutRecords');
    assert.equal(headers['x-amz-security-token'], 'token');
    const same = /Credential=a\/\d{8}\/eu-west-1\/kinesis\/aws4_request, SignedHeaders=[^,]*/;
    const [first] = same.exec(asked[0]?.headers.authorization ?? '') ?? [];
    assert.equal(same.exec(headers.authorization ?? '')?.[0], first);
  }
});

test('records that were refused are named, and the call is not made again', async () => {
  const { asked, outcomes } = await sendAll(3, [taken, refused, taken]);
  assert.equal(asked.length, 3);
  assert.deepEqual(outcomes, ['taken', 'ProvisionedThroughputExceededException', 'taken']);
});

test("what is not answered with 200 is the client's business, and so is the call behind it", async () => {
  const expired: Answer = [400, { __type: 'ExpiredTokenException', message: 'late' }];
  const { asked, outcomes, official } = await sendAll(4, [taken, expired, expired, taken]);
  assert.equal(asked.length, 5);
  assert.equal(official, 3);
  assert.deepEqual(outcomes, ['taken', 'ExpiredTokenException', 'taken', 'taken']);
});
