import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { createConsumerMeter } from './consumer-meter.ts';

test('rates come of two looks at every consumer, by shard', async (t) => {
  let seconds = 0;
  const clock = {
    monotonic: () => seconds * 1000,
    sleep: async (ms: number) => {
      seconds += ms / 1000;
    },
  } as Clock;
  const servers = await Promise.all(
    ['s-1', 's-2'].map(async (shard) => {
      const server = createServer((request, response) => {
        const lines = [
          `millrace_shard_block_bytes_total{shard="${shard}"} ${1_000 + seconds * 50_000}`,
          `millrace_shard_records_total{shard="${shard}"} ${seconds * 2}`,
          `millrace_shard_events_total{shard="${shard}"} ${seconds * 300}`,
          `millrace_shard_iterator_age_ms{shard="${shard}"} ${shard === 's-2' ? 70 : 5}`,
        ];
        response.statusCode = request.url === '/metrics' ? 200 : 404;
        response.end(`${lines.join('\n')}\n`);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      t.after(() => server.close());
      return server;
    }),
  );
  const urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const load = await createConsumerMeter(urls, clock).load(5_000, []);
  assert.deepEqual(load?.peak, { bytes: 100_000, records: 4, events: 600 });
  assert.equal(load?.iteratorAgeMs, 70);
  assert.deepEqual([...(load?.shards.keys() ?? [])], ['s-1', 's-2']);
  assert.equal(load?.shards.get('s-1')?.bytes, 50_000);
  await assert.rejects(createConsumerMeter([`${urls[0]}none`], clock).load(1_000, []), /status 404/);
});
