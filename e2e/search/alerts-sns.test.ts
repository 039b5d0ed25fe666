import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startMoto } from '../harness/moto.ts';
import { searchEngines } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

/** What the query API of SNS answers, as text. */
async function sns(endpoint: string, parameters: Record<string, string>): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=local/20261122/us-east-1/sns/aws4_request',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ Version: '2010-03-31', ...parameters }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

const [engine] = searchEngines();
describe('alerts to SNS', () => {
  let service: Awaited<ReturnType<typeof startMoto>>;
  let server: SearchServer;
  let topic = '';
  const delivered: string[] = [];
  const subscriber = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      response.end();
      delivered.push(body);
      subscriber.emit('delivered');
    });
  });

  before(async () => {
    service = await startMoto();
    await new Promise<void>((resolve) => subscriber.listen(0, '127.0.0.1', resolve));
    const made = await sns(service.endpoint, { Action: 'CreateTopic', Name: 'logs-alerts' });
    topic = /<TopicArn>(.+)<\/TopicArn>/.exec(made)?.[1] ?? '';
    const Endpoint = `http://127.0.0.1:${(subscriber.address() as AddressInfo).port}/`;
    await sns(service.endpoint, { Action: 'Subscribe', TopicArn: topic, Protocol: 'http', Endpoint });
    assert.ok(engine !== undefined);
    server = await startSearchServer(engine, {
      config: { alerts: { allowed_hosts: [service.endpoint], allowed_topics: ['arn:aws:sns:*:logs-*'] } },
    });
  });
  after(async () => {
    service.stop();
    subscriber.closeAllConnections();
    subscriber.close();
    await server.stop();
  });

  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${server.url}/api/v1/alerts${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: response.status, body: response.status === 204 ? {} : await response.json() };
  };
  const alertTo = (topic_arn: string) => ({
    name: 'Über alles',
    enabled: false,
    search: { q: 'refused' },
    condition: { type: 'absence' },
    notify: [{ type: 'sns', topic_arn, region: 'us-east-1', endpoint: service.endpoint }],
  });

  it('are published to the topic, and delivered to its subscribers', { timeout: 60_000 }, async () => {
    const made = await call('POST', '', alertTo(topic));
    const { id } = made.body as { id: string };
    const tested = await call('POST', `/${id}/test`);
    assert.deepEqual(tested.body, { results: [{ type: 'sns', sent: true }] });
    const isOurs = (body: string) => body.includes('is being tested');
    while (!delivered.some(isOurs)) await once(subscriber, 'delivered');
    const message = JSON.parse(delivered.find(isOurs) ?? '') as Record<string, string>;
    assert.equal(message.TopicArn, topic);
    assert.match(message.Subject ?? '', /^\?ber alles is being tested/);
    assert.equal((JSON.parse(message.Message ?? '') as { kind: string }).kind, 'test');
    assert.equal((await call('DELETE', `/${id}`)).status, 204);
  });

  it('to a topic that is not there are final, and say so', async () => {
    const made = await call('POST', '', alertTo(`${topic}-gone`));
    const { id } = made.body as { id: string };
    const { results } = (await call('POST', `/${id}/test`)).body as { results: { sent: boolean }[] };
    assert.equal(results[0]?.sent, false);
    await call('DELETE', `/${id}`);
    assert.equal((await call('POST', '', alertTo('arn:aws:sns:us-east-1:123456789012:payroll'))).status, 400);
  });
});
