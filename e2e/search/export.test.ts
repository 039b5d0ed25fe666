import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mintGeneration } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { jsonRule } from '../harness/log-blocks.ts';
import { archiveLines, loadLines } from '../harness/log-lines.ts';
import { forgetStream, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

const plainLines = 12_345;
const jsonLines = 300;

for (const engine of searchEngines()) {
  describe(`exports from ${engine.type}`, () => {
    const stream = uniqueStream('export');
    const start = Date.now() - 3_600_000;
    let server: SearchServer;
    before(async () => {
      const plain = Array.from(
        { length: plainLines },
        (_, i) => `plain ${i}${i === 7 ? ', "quoted" ü' : ''}`,
      );
      const json = Array.from({ length: jsonLines }, (_, i) =>
        JSON.stringify({ message: `json ${i}`, number: i }),
      );
      await loadLines(engine, stream, [
        // Bursts: many lines within one millisecond.
        { lines: plain, path: '/a.log', capturedMs: (i) => start + Math.floor(i / 1000) * 60_000 },
        { lines: json, path: '/b.log', rule: jsonRule, capturedMs: (i) => start + i * 10_000 },
      ]);
      server = await startSearchServer(engine);
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });

    const fetchText = async (parameters: Record<string, string>) => {
      const response = await fetch(
        `${server.url}/api/v1/export?${new URLSearchParams({ stream, from: 'now-2h', ...parameters })}`,
      );
      return { status: response.status, text: await response.text() };
    };

    it('have every event once, in order, forward and backward', async () => {
      const ids = async (sort: string) => {
        const { text } = await fetchText({ format: 'ndjson', sort });
        return text
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { id: string }).id);
      };
      const forward = await ids('asc');
      assert.equal(forward.length, plainLines + jsonLines);
      assert.equal(new Set(forward).size, forward.length);
      assert.deepEqual((await ids('desc')).reverse(), forward);
    });

    it('have the same events, faster, in any order', async () => {
      const lines = async (sort: string, format: string, q = '') =>
        (await fetchText({ q, format, sort })).text.trimEnd().split(/\r?\n/).sort();
      for (const format of ['ndjson', 'csv'])
        assert.deepEqual(await lines('none', format), await lines('asc', format));
      const original = await lines('none', 'raw', 'file:/a.log');
      assert.deepEqual(original, await lines('asc', 'raw', 'file:/a.log'));
      assert.equal(original.length, plainLines);
    });

    it('have the columns that were asked for', async () => {
      const { text } = await fetchText({ q: 'number:[7 TO 8]', fields: 'number,message', sort: 'asc' });
      assert.equal(text, 'number,message\r\n7,json 7\r\n8,json 8\r\n');
      const quoted = await fetchText({ q: 'quoted', fields: 'message' });
      assert.equal(quoted.text, 'message\r\n"plain 7, ""quoted"" ü"\r\n');
    });

    it('have the original lines where the store has them, and say so where not', async () => {
      const raw = await fetchText({ q: 'file:/a.log', format: 'raw', sort: 'asc' });
      assert.equal(raw.text.split('\n').length, plainLines + 1);
      assert.ok(raw.text.startsWith('plain 0\nplain 1\n'));
      assert.equal((await fetchText({ q: 'file:/b.log', format: 'raw' })).status, 400);
    });
  });
}

for (const engine of searchEngines()) {
  describe(`original lines from the archive beside ${engine.type}`, () => {
    const stream = uniqueStream('exportraw');
    const start = Date.now() - 3_600_000;
    const archived = Array.from({ length: 1_500 }, (_, i) =>
      JSON.stringify({ message: `json ${i}`, note: 'caf\u00e9' }).concat(i % 3 === 0 ? '\r' : ''),
    );
    const text = (lines: string[]) => lines.map((line) => `${line}\n`).join('');
    const file = {
      lines: archived,
      rule: jsonRule,
      generation: mintGeneration(systemClock),
      capturedMs: (i: number) => start + i * 10,
    };
    const behind = {
      generation: file.generation,
      from: Buffer.byteLength(text(archived)),
      capturedMs: start + 60_000,
    };
    let server: SearchServer;
    before(async () => {
      await archiveLines(engine, stream, [file], { mark: true });
      await loadLines(engine, stream, [file]);
      server = await startSearchServer(engine, { archive: engine.archive });
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });
    const raw = async (source: string) => {
      const what = { stream, from: 'now-2h', format: 'raw', sort: 'asc', source };
      const response = await fetch(`${server.url}/api/v1/export?${new URLSearchParams(what)}`);
      return { status: response.status, text: await response.text() };
    };

    it('are its bytes, of all that the store has only parts of', async () => {
      assert.equal((await raw('hot')).status, 400);
      for (const source of ['archive', 'auto'])
        assert.deepEqual(await raw(source), { status: 200, text: text(archived) });
    });

    it('are the messages of what is not archived yet, where those are the lines', async () => {
      const plain = ['just written', 'and another'];
      await loadLines(engine, stream, [{ ...behind, lines: plain }]);
      assert.equal((await raw('auto')).text, text([...archived, ...plain]));
      assert.equal((await raw('archive')).text, text(archived));
    });

    it('are refused where what is not archived yet has only a part of its line in the store', async () => {
      const from = behind.from + 1_000;
      await loadLines(engine, stream, [{ ...behind, from, rule: jsonRule, lines: ['{"message":"a part"}'] }]);
      const { text } = await raw('auto').catch(() => ({ text: 'broken off' }));
      assert.equal(text, 'broken off');
    });
  });
}
