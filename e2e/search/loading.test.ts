import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readFooter } from '@millrace/archive/reader.ts';
import { jsonRule } from '../harness/log-blocks.ts';
import { archiveLines, loadLines } from '../harness/log-lines.ts';
import {
  forgetStream,
  openArchive,
  openStore,
  searchEngines,
  uniqueStream,
} from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

// What all tests in this folder begin with: lines that no pipeline brought are found like those of one.
for (const engine of searchEngines()) {
  describe(`lines that a test loads into ${engine.type}`, () => {
    const stream = uniqueStream('loading');
    let server: SearchServer;
    before(async () => {
      server = await startSearchServer(engine);
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });

    it('are found by their fields, in order of time', async () => {
      const start = Date.now() - 60_000;
      const lines = Array.from({ length: 300 }, (_, i) =>
        JSON.stringify({ message: `order ${i}`, number: i }),
      );
      const loaded = await loadLines(engine, stream, [
        { lines, rule: jsonRule, tag: 'shop', host: 'web-7', capturedMs: (i) => start + i },
      ]);
      assert.equal(loaded.length, 300);
      const parameters = new URLSearchParams({ q: 'number:[100 TO 102] host:web-7', stream, sort: 'asc' });
      const response = await fetch(`${server.url}/api/v1/search?${parameters}`);
      const { hits } = (await response.json()) as { hits: { id: string; message: string }[] };
      assert.deepEqual(
        hits.map(({ id, message }) => ({ id, message })),
        [100, 101, 102].map((i) => ({ id: loaded[i]?.id, message: `order ${i}` })),
      );
    });

    it('are in the archive with a footer that counts them, and marked when wished', async () => {
      const long = 'x'.repeat(2_500_000);
      const file = { lines: ['one', 'two\n  of two lines', long, 'last'], path: '/var/log/a.log' };
      const { key, lines } = await archiveLines(engine, stream, [file], { mark: true });
      assert.equal(lines.length, 6, 'a long record is three');
      assert.equal(lines[1]?.source.message, 'two\n  of two lines');
      const objects = openArchive(engine);
      const footer = await readFooter(objects, key, (await objects.size(key)) ?? 0);
      objects.close();
      assert.equal(footer.days?.[0]?.events, 6);
      assert.deepEqual(footer.sources[0]?.covered, [
        { from: 0, to: Buffer.byteLength(`one\ntwo\n  of two lines\n${long}\nlast\n`) },
      ]);
      const store = await openStore(engine);
      assert.deepEqual(await store.marked([key]), new Set([key]));
      await store.close();
    });
  });
}
