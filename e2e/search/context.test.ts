import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import type { LogFile } from '../harness/log-blocks.ts';
import { archiveLines, type LoadedLine, loadLines } from '../harness/log-lines.ts';
import { forgetStream, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';
import { eventually } from '../harness/stack.ts';

interface Lines {
  hits: { id: string; message: string; offset: number; generation: string }[];
  index: number;
  start_reached: boolean;
  end_reached: boolean;
  partial: unknown[];
}

for (const engine of searchEngines()) {
  describe(`lines around an event on ${engine.type}`, () => {
    const stream = uniqueStream('context');
    const path = '/var/log/shop.log';
    const capturedMs = Date.now() - 3_600_000;
    let server: SearchServer;
    let ids: string[] = [];

    /** As the file was written: 10,000 lines of one millisecond, some of several lines, rotated twice. */
    const lines = Array.from({ length: 10_000 }, (_, i) =>
      i % 97 === 0 ? `line ${i} failed\n  at one\n  at two` : `line ${i} ${'.'.repeat(i % 40)}`,
    );
    const rotated = [0, 4_000, 4_007, 10_000];

    before(async () => {
      const loaded: LoadedLine[] = [];
      // Parts of each file are in the store, parts in the archive alone, and some in both.
      for (let life = 0; life < 3; life++) {
        const generation = mintGeneration({ ...systemClock, now: () => capturedMs + life });
        const [from = 0, to = 0] = rotated.slice(life, life + 2);
        const own = { path, generation, capturedMs };
        let offset = 0;
        for (let at = from; at < to; ) {
          const size = Math.min(to - at, at % 3 === 0 ? 700 : 333);
          const part: LogFile = { ...own, from: offset, lines: lines.slice(at, at + size) };
          const where = loaded.length % 4;
          if (where !== 1) loaded.push(...(await loadLines(engine, stream, [part], { refresh: false })));
          if (where === 1 || where === 2) {
            const archived = await archiveLines(engine, stream, [part], { arrivedMs: capturedMs });
            if (where === 1) loaded.push(...archived.lines);
          }
          offset += Buffer.byteLength(part.lines.map((line) => `${line}\n`).join(''));
          at += size;
        }
      }
      ids = loaded.map(({ id }) => id);
      assert.equal(ids.length, lines.length);
      // Another host, and another file, at the same time.
      const others = [
        { lines: ['other host'], path, host: 'web-2', capturedMs },
        { lines: ['other file'], path: '/var/log/other.log', capturedMs },
      ];
      await loadLines(engine, stream, others);
      // What is in the archive only is known at once.
      const archive_search = { unmarked_settle_ms: 0, unmarked_fresh_ms: 100 };
      server = await startSearchServer(engine, { archive: engine.archive, config: { archive_search } });
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });

    async function around(path: string, parameters: Record<string, string>): Promise<Lines> {
      const response = await fetch(`${server.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
      const text = await response.text();
      assert.equal(response.status, 200, text);
      return JSON.parse(text) as Lines;
    }

    it('are those of the file, byte by byte, over rotation, store and archive', async () => {
      for (const at of [
        0, 1, 96, 97, 349, 700, 2_222, 3_990, 3_999, 4_000, 4_003, 4_006, 4_007, 4_500, 9_999,
      ]) {
        const found = await around('context', { id: ids[at] ?? '', before: '12', after: '15' });
        const from = Math.max(0, at - 12);
        const to = Math.min(lines.length, at + 16);
        assert.deepEqual(
          found.hits.map(({ message }) => message),
          lines.slice(from, to),
          `around line ${at}`,
        );
        assert.equal(found.index, at - from);
        assert.deepEqual(
          [found.start_reached, found.end_reached],
          [at <= 12, at >= 9_984],
          `around line ${at}`,
        );
        assert.deepEqual(found.partial, []);
      }
    });

    it('are as many as are asked for, and none when none are', async () => {
      const alone = await around('context', { id: ids[5] ?? '', before: '0', after: '0' });
      assert.deepEqual([alone.hits.length, alone.start_reached, alone.end_reached], [1, false, false]);
      const many = await around('context', { id: ids[4_003] ?? '', before: '1000', after: '1000' });
      assert.deepEqual(
        many.hits.map(({ message }) => message),
        lines.slice(3_003, 5_004),
      );
    });

    it('show a record that was cut in its pieces, one after another', async () => {
      const cut = `${'0123456789'.repeat(250_000)} end`;
      const file = { path: '/var/log/long.log', capturedMs, lines: ['before', cut, 'behind'] };
      const loaded = await loadLines(engine, stream, [file]);
      const found = await around('context', { id: loaded[2]?.id ?? '', before: '5', after: '5' });
      assert.deepEqual(
        found.hits.map(({ id }) => id),
        loaded.map(({ id }) => id),
      );
      const texts = found.hits.map(({ message }) => message);
      assert.equal(texts.slice(1, 4).join(''), cut);
    });

    it('say that there is no such event', async () => {
      for (const id of ['x', ids[0]?.replace(/.$/, 'A') ?? '']) {
        const response = await fetch(`${server.url}/api/v1/context?id=${id}`);
        assert.equal(response.status, 404);
      }
    });

    it('have as neighbours in time what happened on all hosts, in the order of a search', async () => {
      const start = capturedMs + 600_000;
      const files = ['web-1', 'web-2', 'web-3'].map((host, i) => ({
        host,
        path: '/var/log/times.log',
        lines: Array.from({ length: 20 }, (_, line) => `${host} ${line}`),
        capturedMs: (line: number) => start + line * 10 + i,
      }));
      const loaded = await loadLines(engine, stream, files.slice(0, 2));
      const archived = await archiveLines(engine, stream, files.slice(2), { arrivedMs: start });
      await eventually('the archived are known', 20, async () => {
        const answer = await fetch(`${server.url}/api/v1/context?id=${archived.lines[0]?.id}`);
        return answer.status === 200 ? true : undefined;
      });
      const expected = Array.from({ length: 60 }, (_, i) => `web-${(i % 3) + 1} ${Math.floor(i / 3)}`);
      const event = loaded.find(({ source }) => source.message === 'web-2 10');
      const found = await around('neighbours', {
        id: event?.id ?? '',
        before: '10',
        after: '10',
        stream,
        q: 'file:"/var/log/times.log"',
      });
      assert.deepEqual(
        found.hits.map(({ message }) => message),
        expected.slice(21, 42),
      );
      assert.equal(found.index, 10);
      const time = new Date(start + 100).toISOString();
      const at = await around('neighbours', { time, before: '2', after: '2', stream });
      assert.deepEqual(
        at.hits.map(({ message }) => message),
        ['web-2 9', 'web-3 9', 'web-1 10', 'web-2 10'],
      );
    });
  });
}
