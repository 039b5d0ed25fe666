import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { jsonRule } from '../harness/log-blocks.ts';
import { loadLines } from '../harness/log-lines.ts';
import { forgetStream, openStore, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

interface Received {
  kind: string;
  summary: string;
  group?: { value: string };
  count: number;
  link: string;
}

/** A receiver of webhooks that can be waited for. */
async function startReceiver() {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      received.push(JSON.parse(body) as Received);
      server.emit('received');
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    received,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async until(count: number) {
      while (received.length < count) await once(server, 'received');
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

for (const engine of searchEngines()) {
  describe(`alerts on ${engine.type}`, () => {
    const stream = uniqueStream('alerts');
    let servers: SearchServer[] = [];
    let receiver: Awaited<ReturnType<typeof startReceiver>>;
    const made: string[] = [];

    const send = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${servers[0]?.url}/api/v1/alerts${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      return { status: response.status, body: response.status === 204 ? {} : await response.json() };
    };
    const load = (messages: string[], host: string) =>
      loadLines(engine, stream, [
        {
          lines: messages.map((message) => JSON.stringify({ message, shop: host })),
          rule: jsonRule,
          host,
          capturedMs: () => Date.now(),
        },
      ]);

    before(async () => {
      const store = await openStore(engine);
      await store.close();
      receiver = await startReceiver();
      const config = {
        http: { public_url: 'https://logs.example.com' },
        alerts: { allowed_hosts: [receiver.origin], delay_ms: 500, tick_ms: 200, lease_ms: 3_000 },
      };
      servers = await Promise.all([
        startSearchServer(engine, { config }),
        startSearchServer(engine, { config }),
      ]);
    });
    after(async () => {
      for (const id of made) await send('DELETE', `/${id}`);
      await Promise.all(servers.map((server) => server.stop()));
      receiver.close();
      await forgetStream(engine, stream);
    });

    it('fire for each group once, and are over once, with two servers that evaluate', {
      timeout: 120_000,
    }, async () => {
      const { status, body } = await send('POST', '', {
        name: 'Refused',
        search: { q: 'refused', stream },
        window: '6s',
        every: '2s',
        condition: { type: 'threshold', op: '>=', count: 3 },
        group_by: 'shop',
        notify: [{ type: 'webhook', url: `${receiver.origin}/hook` }],
      });
      assert.equal(status, 201, JSON.stringify(body));
      const { id } = body as { id: string };
      made.push(id);
      await load(['payment refused', 'payment refused', 'refused again', 'fine'], 'web-1');
      await load(['refused'], 'web-2');
      await receiver.until(2);
      assert.deepEqual(
        receiver.received.map(({ kind, group }) => [kind, group?.value]),
        [
          ['firing', 'web-1'],
          ['resolved', 'web-1'],
        ],
      );
      assert.equal(receiver.received[0]?.count, 3);
      assert.match(receiver.received[0]?.link ?? '', /^https:\/\/logs\.example\.com\/\?q=/);
      const { state } = (await send('GET', `/${id}`)).body as {
        state: { history: { status: string }[]; notices: unknown[] };
      };
      assert.ok(state.history.some(({ status }) => status === 'firing'));
    });

    it('notice that nothing comes, and go on when the server that evaluated is gone', {
      timeout: 120_000,
    }, async () => {
      const before = receiver.received.length;
      const { body } = await send('POST', '', {
        name: 'Silence',
        search: { q: 'heartbeat', stream },
        window: '5s',
        every: '1s',
        condition: { type: 'absence' },
        resolve: false,
        repeat: '2s',
        notify: [{ type: 'webhook', url: `${receiver.origin}/hook` }],
      });
      made.push((body as { id: string }).id);
      await receiver.until(before + 1);
      assert.equal(receiver.received[before]?.kind, 'firing');
      // If it held the lease, the other one takes over.
      for (const server of servers.splice(0, 1)) process.kill(server.pid, 'SIGKILL');
      const told = receiver.received.length;
      await receiver.until(told + 3);
    });
  });
}
