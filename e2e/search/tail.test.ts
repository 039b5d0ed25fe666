import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { jsonRule, type LogFile } from '../harness/log-blocks.ts';
import { loadLines } from '../harness/log-lines.ts';
import { forgetStream, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';
import { eventually } from '../harness/stack.ts';
import { TailClient } from '../harness/tail-client.ts';

for (const engine of searchEngines()) {
  describe(`live tail on ${engine.type}`, () => {
    const stream = uniqueStream('tail');
    let server: SearchServer;
    let written = 0;
    before(async () => {
      server = await startSearchServer(engine, { config: { tail: { ring_events: 1_000 } } });
      // There is an index: what is measured is not how it is made.
      await loadLines(engine, stream, [{ lines: ['first'] }]);
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });

    /** As the consumer writes: found when the engine refreshes by itself. */
    async function write(count: number, more: Partial<LogFile> = {}, text = ''): Promise<string[]> {
      const messages = Array.from({ length: count }, () => `line ${written++}`);
      const lines = messages.map((message) => JSON.stringify({ message: message + text, word: 'w' }));
      await loadLines(engine, stream, [{ lines, rule: jsonRule, ...more }], { refresh: false });
      return messages;
    }

    const watch = (parameters: Record<string, string> = {}, lastEventId?: string) =>
      TailClient.open(server.url, { stream, ...parameters }, lastEventId);

    it('shows 200 viewers what they asked for, once, soon; and who does not read costs nobody', async () => {
      const clients = await Promise.all(
        Array.from({ length: 199 }, (_, i) => watch(i % 2 === 0 ? {} : { q: 'tag:shop AND word:w' })),
      );
      const slow = await watch();
      await Promise.all([...clients, slow].map((client) => client.live()));
      slow.stall();
      const expected: string[] = [];
      const shop: string[] = [];
      const latencies: number[] = [];
      for (let round = 0; round < 10; round++) {
        const start = performance.now();
        const messages = await write(1, round % 2 === 0 ? { tag: 'shop' } : {});
        expected.push(...messages);
        if (round % 2 === 0) shop.push(...messages);
        await clients[0]?.has(expected.length);
        latencies.push(performance.now() - start);
      }
      for (const [i, client] of clients.entries()) {
        const wanted = i % 2 === 0 ? expected : shop;
        await client.has(wanted.length);
        assert.deepEqual(client.messages, wanted);
      }
      latencies.sort((a, b) => a - b);
      process.stderr.write(
        `tail on ${engine.type}: write to reader ${Math.round(latencies[5] ?? 0)} ms at p50, ` +
          `${Math.round(latencies[9] ?? 0)} ms at most of ten, 200 viewers\n`,
      );
      for (const client of clients.slice(1)) client.close();
      // More than the sockets between take in.
      for (let i = 0; i < 6; i++) expected.push(...(await write(500, {}, ` ${'x'.repeat(8_000)}`)));
      await clients[0]?.accounts(expected.length, 60);
      clients[0]?.close();
      slow.go();
      await slow.accounts(expected.length, 60);
      assert.equal(slow.messages.length + slow.skipped, expected.length);
      assert.ok(slow.skipped > 0, 'a reader that does not read is told what it missed');
      assert.equal(new Set(slow.messages).size, slow.messages.length);
      slow.close();
    });

    it('goes on behind the last event that was read, when the connection broke', async () => {
      const first = await watch();
      await first.live();
      const one = await write(3);
      await first.has(3);
      first.close();
      const two = await write(40);
      const second = await watch({}, first.cursor);
      await second.has(40);
      const three = await write(2);
      await second.has(42);
      assert.deepEqual([...first.messages, ...second.messages], [...one, ...two, ...three]);
      assert.equal(second.skipped, 0);
      second.close();
    });

    it('begins in the past when asked to', async () => {
      const since = new Date().toISOString();
      const messages = await write(5);
      const client = await watch({ since });
      await client.has(5);
      assert.deepEqual(client.messages, messages);
      client.close();
    });

    it('says the same over a WebSocket, which can be paused', async () => {
      const url = `${server.url.replace('http', 'ws')}/api/v1/tail/ws?${new URLSearchParams({ stream })}`;
      const socket = new WebSocket(url);
      const seen: string[] = [];
      const phases: string[] = [];
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as {
          type: string;
          phase?: string;
          hits?: { message: string }[];
        };
        if (message.type === 'hits') seen.push(...(message.hits ?? []).map((hit) => hit.message));
        if (message.phase !== undefined) phases.push(message.phase);
      });
      const phase = (wanted: string) =>
        eventually(wanted, 20, async () => (phases.at(-1) === wanted ? true : undefined));
      await phase('live');
      const before = await write(2);
      await eventually('two', 20, async () => (seen.length === 2 ? true : undefined));
      socket.send('{"pause":true}');
      await phase('paused');
      const during = await write(3);
      await eventually('they can be found', 20, async () => {
        const parameters = new URLSearchParams({ stream, q: `"${during.at(-1)}"` });
        const response = await fetch(`${server.url}/api/v1/search?${parameters}`);
        const { hits } = (await response.json()) as { hits: unknown[] };
        return hits.length === 1 ? true : undefined;
      });
      assert.deepEqual(seen, before);
      socket.send('{"pause":false}');
      await phase('live');
      const behind = await write(1);
      await eventually('all', 20, async () => (seen.length >= 6 ? true : undefined));
      assert.deepEqual(seen, [...before, ...during, ...behind]);
      socket.close();
    });

    it('leaves nobody on a place when connections close', async () => {
      await eventually('no viewer', 20, async () => {
        const metrics = await (await fetch(`${server.url}/metrics`)).text();
        return /^millrace_search_api_tail_viewers 0$/m.test(metrics) ? true : undefined;
      });
    });
  });
}
