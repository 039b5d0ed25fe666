import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { jsonRule, type LogFile } from '../harness/log-blocks.ts';
import { archiveLines, loadLines } from '../harness/log-lines.ts';
import { forgetStream, openStore, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

const dayMs = 86_400_000;
const today = Math.floor(Date.now() / dayMs) * dayMs;
const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '.');

type Hit = Record<string, unknown> & { id: string; message: string };

const words = ['error', 'Timeout', 'order-4711', 'café', 'a\nb', '한글', 'x', 'user-service refused'];
/** Lines of one file of one day, of several kinds. */
function dayFile(day: number, path = '/var/log/app.log'): LogFile {
  return {
    lines: Array.from({ length: 40 }, (_, i) =>
      JSON.stringify({
        message: `${words[i % words.length]} ${day} number ${i}`,
        user: { id: i % 7 },
        ms: i * 1.5,
        level: i % 5 === 0 ? 'error' : 'info',
      }),
    ),
    rule: jsonRule,
    tag: day % 2 === 0 ? 'shop.web' : 'shop.db',
    host: `web-${day % 3}`,
    path,
    generation: mintGeneration(systemClock),
    // Several at one instant, to the millisecond.
    capturedMs: (line) => today - day * dayMs + 3_600_000 + Math.floor(line / 4) * 1_000,
  };
}

for (const engine of searchEngines()) {
  describe(`the archive beside ${engine.type}`, () => {
    const same = uniqueStream('same');
    const split = uniqueStream('split');
    let server: SearchServer;
    const get = async (path: string, parameters: Record<string, string>) => {
      const response = await fetch(`${server.url}${path}?${new URLSearchParams(parameters)}`);
      const text = await response.text();
      return {
        status: response.status,
        text,
        body: text.startsWith('{"hit') ? undefined : JSON.parse(text.split('\n')[0] ?? ''),
      };
    };
    const hitsOf = async (parameters: Record<string, string>): Promise<Hit[]> => {
      const { status, body } = await get('/api/v1/search', { from: '*', size: '1000', ...parameters });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body.partial, [], JSON.stringify(parameters));
      return body.hits;
    };
    before(async () => {
      const both = [dayFile(1), dayFile(1, '/var/log/other.log'), dayFile(2)];
      await loadLines(engine, same, both);
      for (const file of both)
        await archiveLines(engine, same, [file], { mark: true, arrivedMs: today - dayMs });
      // Three days: the first in the archive only, the second in both, the third indexed but without a mark of its object.
      const [old, middle, late] = [dayFile(3), dayFile(2), dayFile(1)];
      await archiveLines(engine, split, [old], { arrivedMs: today - 3 * dayMs, mark: true });
      await archiveLines(engine, split, [middle], { arrivedMs: today - 2 * dayMs, mark: true });
      await archiveLines(engine, split, [late], { arrivedMs: today - dayMs });
      await loadLines(engine, split, [middle]);
      await loadLines(engine, split, [{ ...late, lines: late.lines.slice(0, 10) }]);
      const store = await openStore(engine);
      await store.moveHorizon(split, dateOf(today - 2 * dayMs));
      await store.refresh();
      await store.close();
      const { archive } = engine;
      server = await startSearchServer(engine, {
        archive,
        config: { archive_search: { unmarked_settle_ms: 0, unmarked_fresh_ms: 200, workers: 2 } },
      });
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, same);
      await forgetStream(engine, split);
    });

    for (const q of [
      '',
      'timeout',
      '"number 7"',
      'order-4711',
      'café OR 한글',
      'b',
      'user-serv*',
      '*imeou*',
      '/time.*/',
      'level:error',
      'user.id:3',
      'ms:[10 TO 30]',
      'tag:shop.db -timeout',
      'host:web-2 AND NOT level:error',
      'file:*other*',
      'log.offset:<500',
      `@timestamp:${new Date(today - 2 * dayMs).toISOString().slice(0, 10)}`,
    ])
      for (const sort of ['asc', 'desc'])
        it(`answers ${JSON.stringify(q)} as the store does, ${sort}`, async () => {
          const asked = { q, sort, stream: same };
          const hot = await hitsOf({ ...asked, source: 'hot' });
          const archived = await hitsOf({ ...asked, source: 'archive' });
          const plain = ({ 'event.ingested': _, highlight, ...hit }: Hit) => ({
            ...hit,
            // Of a phrase one engine marks the whole, the other its words.
            ...(engine.type === 'opensearch' && { highlight }),
          });
          assert.deepEqual(archived.map(plain), hot.map(plain));
          assert.ok(hot.length > 0, 'the table asks for what is there');
        });

    it('adds what the store lacks, each event once, and pages through both, there and back', async () => {
      const all = await hitsOf({ stream: split, source: 'auto' });
      assert.equal(all.length, 120);
      assert.equal(new Set(all.map(({ id }) => id)).size, 120);
      const times = all.map((hit) => String(hit['@timestamp']));
      assert.deepEqual(times, [...times].sort().reverse());
      assert.equal((await hitsOf({ stream: split, source: 'hot' })).length, 50);
      const paged: Hit[] = [];
      let last: { hits: Hit[]; next_cursor: string | null; prev_cursor: string | null } | undefined;
      for (let cursor: string | null = ''; cursor !== null; cursor = last?.next_cursor ?? null) {
        const page: Record<string, string> = {
          stream: split,
          from: '*',
          size: '17',
          ...(cursor === '' ? {} : { cursor }),
        };
        last = (await get('/api/v1/search', page)).body;
        paged.push(...(last?.hits ?? []));
      }
      assert.deepEqual(
        paged.map(({ id }) => id),
        all.map(({ id }) => id),
      );
      const back = { stream: split, from: '*', size: '17', cursor: last?.prev_cursor ?? '' };
      const before = (await get('/api/v1/search', back)).body as { hits: Hit[] };
      assert.deepEqual(
        before.hits.map(({ id }) => id),
        all.slice(119 - 17, 119).map(({ id }) => id),
      );
    });

    it('streams hits line by line and says how it ended', async () => {
      const { text } = await get('/api/v1/search/stream', {
        stream: split,
        from: '*',
        q: 'timeout',
        limit: '12',
      });
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.equal(lines.filter(({ hit }) => hit !== undefined).length, 12);
      assert.deepEqual(lines.at(-1).end.partial, []);
    });

    it('answers alone while the store is down', async () => {
      const store = { type: engine.type, node: 'http://127.0.0.1:9' };
      const alone = await startSearchServer(engine, { archive: engine.archive, store });
      try {
        const asked = new URLSearchParams({ stream: split, from: '*', q: 'timeout', size: '100' });
        const response = await fetch(`${alone.url}/api/v1/search?${asked}`);
        const { hits, partial } = (await response.json()) as { hits: Hit[]; partial: { code: string }[] };
        assert.equal(hits.length, 15);
        assert.deepEqual(
          partial.map(({ code }) => code),
          ['store_unavailable'],
        );
      } finally {
        await alone.stop();
      }
    });
  });
}
