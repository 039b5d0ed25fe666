import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { jsonRule } from '../harness/log-blocks.ts';
import { loadLines } from '../harness/log-lines.ts';
import { forgetStream, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

interface Answer {
  hits: { id: string; message: string; count?: number }[];
  table?: { columns: { name: string }[]; rows: (string | number)[][] };
  partial: unknown[];
  error?: { message: string; at?: object };
}

// What somebody asks at night: which levels, which hosts, since when, and which lines are all the same.
for (const engine of searchEngines()) {
  describe(`pipes on ${engine.type}`, () => {
    const stream = uniqueStream('pipes');
    const start = Date.UTC(2026, 9, 5, 12);
    let server: SearchServer;

    before(async () => {
      server = await startSearchServer(engine);
      const line = (i: number) =>
        JSON.stringify({
          message: i % 10 === 0 ? `payment ${i} refused by bank-${i % 3}` : `order ${i} shipped`,
          level: i % 10 === 0 ? 'ERROR' : 'info',
          user: { id: i % 7 },
          ms: i,
        });
      const lines = Array.from({ length: 600 }, (_, i) => line(i));
      await loadLines(engine, stream, [
        { lines, rule: jsonRule, tag: 'shop', host: 'web-1', capturedMs: (i) => start + i * 1000 },
        {
          lines: lines.slice(0, 60),
          rule: jsonRule,
          tag: 'shop',
          host: 'web-2',
          capturedMs: (i) => start + i * 1000,
        },
      ]);
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });

    async function ask(q: string): Promise<Answer> {
      const parameters = new URLSearchParams({ q, stream, from: '2026-10-05T12:00', to: '2026-10-05T12:09' });
      const response = await fetch(`${server.url}/api/v1/search?${parameters}`);
      return (await response.json()) as Answer;
    }
    async function rows(q: string): Promise<unknown> {
      const { table, partial, error } = await ask(q);
      assert.deepEqual([partial, error], [[], undefined], q);
      return table?.rows;
    }

    it('count by values, by several fields, and over time', async () => {
      assert.deepEqual(await rows('| count'), [[660]]);
      assert.deepEqual(await rows('| count by level'), [
        ['info', 594],
        ['error', 66],
      ]);
      assert.deepEqual(await rows('level:error | count by host, log.level'), [
        ['web-1', 'error', 60],
        ['web-2', 'error', 6],
      ]);
      assert.deepEqual(await rows('host:web-1 | top 2 user.id'), [
        ['0', 86],
        ['1', 86],
      ]);
      assert.deepEqual(await rows('| timechart 5m by level'), [
        ['2026-10-05T12:00:00.000Z', 324, 36],
        ['2026-10-05T12:05:00.000Z', 270, 30],
      ]);
      assert.deepEqual(await rows('level:error | timechart 5m | sort -count | head 1 | fields count'), [
        [36],
      ]);
    });

    it('say the same when the events are read as when the store counts', async () => {
      // A head that leaves nothing out keeps the store from counting.
      for (const pipe of [
        'count by level',
        'top user.id',
        'count by host, user.id',
        'timechart 1m by host',
        'rare ms',
      ])
        assert.deepEqual(await rows(`| head 100000 | ${pipe}`), await rows(`| ${pipe}`), pipe);
    });

    it('fold, order and cut events', async () => {
      const folded = await ask('level:error | dedup message, host | sort -ms | head 2');
      assert.deepEqual(
        folded.hits.map(({ message, count }) => [message, count]),
        [
          ['payment 590 refused by bank-2', 1],
          ['payment 580 refused by bank-1', 1],
        ],
      );
      const users = await ask('host:web-1 | dedup user.id');
      assert.deepEqual(users.hits.map(({ count }) => count).sort(), [85, 85, 86, 86, 86, 86, 86]);
      const patterns = await rows('| patterns');
      assert.deepEqual(patterns, [
        ['order <num> shipped', 594],
        ['payment <num> refused by bank-<num>', 66],
      ]);
    });

    it('say where they are wrong', async () => {
      const { error } = await ask('level:error | cuont by host');
      assert.match(error?.message ?? '', /unknown pipe "cuont"/);
      assert.deepEqual(error?.at, { start: 14, end: 19 });
    });
  });
}
