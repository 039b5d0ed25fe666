import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { testAlert } from '../testing/test-alert.ts';
import { testAlerts } from '../testing/test-server.ts';
import { createSender } from './sender.ts';
import { slackMessage } from './slack.ts';
import { noticeText } from './text.ts';

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

async function receiver(t: TestContext, answer: (response: ServerResponse) => void) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = createSender({ ...testAlerts, allowed_hosts: [origin], notice_timeout_ms: 300 }, systemClock);
  return { origin, received, send };
}

const alert = testAlert({ group_by: 'host' });
const end = Date.UTC(2026, 10, 22, 10, 5);
const notice = noticeText(
  alert,
  { q: 'refused OR "<b>"', stream: 'logs' },
  { key: 'a/1/firing/0/web-1', kind: 'firing', group: 'web-1', end, since: end, count: 12 },
  { host: 'x', public_url: 'https://logs.example.com', base_path: '/millrace' },
);

test('a notice says what, how many, when, and where to look', () => {
  assert.equal(notice.summary, 'Payments is firing for host web-1: 12 events in 5m (> 10)');
  assert.deepEqual(notice.window, { from: '2026-11-22T10:00:00.000Z', to: '2026-11-22T10:04:59.999Z' });
  const link = new URL(notice.link ?? '');
  assert.equal(link.origin + link.pathname, 'https://logs.example.com/millrace/');
  assert.deepEqual(Object.fromEntries(link.searchParams), {
    q: '(refused OR "<b>") host:"web-1"',
    ...notice.window,
    stream: 'logs',
  });
  assert.doesNotMatch(JSON.stringify(notice), /secret/);
});

test('a webhook gets the notice as JSON, with its headers and a key for each notice', async (t) => {
  const { origin, received, send } = await receiver(t, (response) => response.end('thanks'));
  const headers = { authorization: 'Bearer x', host: 'elsewhere', 'content-length': '1' };
  assert.deepEqual(await send({ type: 'webhook', url: `${origin}/hook`, headers }, notice), { kind: 'sent' });
  assert.deepEqual(JSON.parse(received[0]?.body ?? ''), notice);
  assert.equal(received[0]?.headers.authorization, 'Bearer x');
  assert.equal(received[0]?.headers.host, origin.slice('http://'.length));
  assert.ok(received[0]?.headers['idempotency-key']);
});

test('notices of groups with long names that begin alike have keys of their own', async (t) => {
  const { origin, received, send } = await receiver(t, (response) => response.end());
  const key = `${notice.key}/${'x'.repeat(200)}`;
  for (const end of ['a', 'b', 'a'])
    await send({ type: 'webhook', url: `${origin}/hook` }, { ...notice, key: key + end });
  const keys = received.map(({ headers: { 'idempotency-key': sent } }) => sent);
  assert.deepEqual([keys[0] === keys[1], keys[0] === keys[2]], [false, true]);
});

test('a Slack message is blocks, and nothing in a query becomes a mention or a link', async (t) => {
  const { origin, received, send } = await receiver(t, (response) => response.end('ok'));
  assert.equal((await send({ type: 'slack', url: `${origin}/services/x` }, notice)).kind, 'sent');
  const message = JSON.parse(received[0]?.body ?? '') as { text: string; blocks: { type: string }[] };
  assert.deepEqual(message, JSON.parse(JSON.stringify(slackMessage(notice))));
  assert.deepEqual(
    message.blocks.map(({ type }) => type),
    ['section', 'section', 'section', 'context'],
  );
  const evil = {
    ...notice,
    summary: `a <!channel> & <http://x|y>${'&'.repeat(1_000)}`,
    query: '`<@U1>`'.repeat(2_000),
  };
  const text = JSON.stringify(slackMessage(evil));
  assert.doesNotMatch(text, /<!channel>|<@U1>|<http:\/\/x/);
  for (const block of (slackMessage(evil) as { blocks: { text?: { text: string } }[] }).blocks)
    assert.ok((block.text?.text.length ?? 0) <= 3_000);
});

test('what may go better later is tried again, what is refused is not', async (t) => {
  let status = 200;
  const { origin, send } = await receiver(t, (response) => {
    response.writeHead(status, { location: 'http://169.254.169.254/latest' });
    response.end();
  });
  const kindOf = async (answer: number) => {
    status = answer;
    return (await send({ type: 'webhook', url: origin }, notice)).kind;
  };
  for (const [answer, kind] of [
    [204, 'sent'],
    [302, 'failed'],
    [404, 'failed'],
    [408, 'retry'],
    [429, 'retry'],
    [503, 'retry'],
  ] as const)
    assert.equal(await kindOf(answer), kind, String(answer));
});

test('a receiver that does not answer, or is not there, is tried again later', async (t) => {
  const { origin, send } = await receiver(t, () => {});
  assert.deepEqual(await send({ type: 'webhook', url: origin }, notice), {
    kind: 'retry',
    reason: 'no answer within 300 ms',
  });
  const nowhere = createSender({ ...testAlerts, allowed_hosts: ['http://127.0.0.1:1'] }, systemClock);
  const lost = await nowhere({ type: 'webhook', url: 'http://127.0.0.1:1/secret' }, notice);
  assert.equal(lost.kind, 'retry');
  assert.doesNotMatch(JSON.stringify(lost), /secret/);
});

test('what the configuration no longer allows is not sent', async (t) => {
  const { origin, received } = await receiver(t, (response) => response.end());
  const result = await createSender(testAlerts, systemClock)({ type: 'webhook', url: origin }, notice);
  assert.equal(result.kind, 'failed');
  assert.equal(received.length, 0);
});
