import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { jsonRule } from '../harness/log-blocks.ts';
import { archiveLines, loadLines } from '../harness/log-lines.ts';
import { forgetStream, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

// biome-ignore format: one list
const scopes = ['search', 'tail', 'export', 'archive', 'save', 'alerts', 'ledger', 'replay', 'metrics'];
/** In events of others, or in fields that are hidden. */
const secrets = /ann-secret-17|4111-2222|of-the-bank|of-shopping|host-of-others|app\.shopping|\bbank\b/;

/** How to ask each route that shows events or what they are like, about everything of a stream. */
const questions: Record<string, Record<string, string>[]> = {
  '/api/v1/search': [
    {},
    { source: 'archive' },
    { source: 'auto', q: 'paid' },
    { q: '* | patterns' },
    { q: '* | count by tag, host' },
  ],
  '/api/v1/search/stream': [{}, { source: 'archive' }],
  '/api/v1/histogram': [{}, { by: 'tag' }, { by: 'host' }],
  '/api/v1/facets': [{}, { fields: 'tag,host,level,n' }],
  '/api/v1/fields': [{}],
  '/api/v1/fields/values': [{ field: 'tag' }, { field: 'host' }, { field: 'n' }],
  '/api/v1/fields/stats': [{ field: 'tag' }, { field: 'n' }],
  '/api/v1/patterns': [{ order: 'rare' }, { order: 'common' }],
  '/api/v1/compare': [{}],
  '/api/v1/export': [{ format: 'ndjson' }, { format: 'csv' }, { format: 'ndjson', source: 'archive' }],
  '/api/v1/context': [{}],
  '/api/v1/neighbours': [{}],
  '/api/v1/tail': [{ since: 'now-15m' }, {}],
};
/** About no events, or refused to who has limits. */
const others =
  /^\/(api\/v1\/(status|saved|alerts|keys|me|replays|ledger)|healthz|readyz|metrics|login|callback|logout|api\/v1\/tail\/ws)/;

const showing = /search|export|tail|facets|patterns|compare/;

function makeKey(id: string) {
  const key = `mr_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, sha256: createHash('sha256').update(key).digest('hex') };
}

for (const engine of searchEngines()) {
  describe(`a key that sees a part of ${engine.type}`, () => {
    const stream = uniqueStream('access');
    const whole = makeKey('whole');
    const shop = makeKey('shop');
    let server: SearchServer;
    let ids: string[] = [];

    before(async () => {
      const capturedMs = (i: number) => Date.now() - 120_000 + i * 1000;
      const paid = (i: number) =>
        JSON.stringify({
          message: `payment ${i} paid by ann-secret-17`,
          user: { name: 'ann-secret-17' },
          card: '4111-2222',
          n: i,
        });
      const raw = JSON.stringify({ user: { name: 'ann-secret-17' }, card: '4111-2222', text: 'paid' });
      const broken = '{"user": "ann-secret-17", "card": "4111-2222';
      const lines = [...Array.from({ length: 20 }, (_, i) => paid(i)), raw, broken];
      const own = { lines, rule: jsonRule, tag: 'app.shop.cart', host: 'web-1', capturedMs };
      const near = {
        lines: ['{"message":"paid of-shopping"}'],
        rule: jsonRule,
        tag: 'app.shopping',
        host: 'web-1',
        capturedMs,
      };
      const far = {
        lines: ['{"message":"paid of-the-bank"}'],
        rule: jsonRule,
        tag: 'bank',
        host: 'host-of-others',
        capturedMs,
      };
      ids = (await loadLines(engine, stream, [own, near, far])).map(({ id }) => id);
      await archiveLines(engine, stream, [own, near, far]);
      const limits = { tags: ['app.shop.*'], redact: ['user', 'card'] };
      server = await startSearchServer(engine, {
        archive: engine.archive,
        config: {
          access: {
            keys: [
              { id: 'whole', sha256: whole.sha256, scopes },
              { id: 'shop', sha256: shop.sha256, scopes, ...limits },
            ],
          },
        },
      });
    });
    after(async () => {
      await server.stop();
      await forgetStream(engine, stream);
    });

    /** Of streams that do not end, what comes within two seconds. */
    async function ask(key: string, path: string, parameters: Record<string, string>) {
      const signal = AbortSignal.timeout(path.includes('tail') ? 2_000 : 60_000);
      const url = `${server.url}${path}?${new URLSearchParams(parameters)}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${key}` }, signal });
      let text = '';
      try {
        const decoder = new TextDecoder();
        for await (const piece of response.body ?? []) text += decoder.decode(piece, { stream: true });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      return { status: response.status, text };
    }

    const routes = async () => {
      const response = await fetch(`${server.url}/docs/json`);
      const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
      return Object.keys(paths).filter((path) => 'get' in (paths[path] ?? {}) && !others.test(path));
    };

    it('learns nothing of the rest by any route, and the rest is there', async () => {
      for (const path of await routes()) {
        const asked = questions[path];
        assert.ok(asked, `${path} is a new route: say here how to ask it for everything`);
        for (const parameters of asked) {
          const from: Record<string, string> = path.includes('tail') ? {} : { from: 'now-15m' };
          const byId = /context|neighbours/.test(path) ? { id: ids[3] ?? '' } : { stream, ...from };
          const what = { ...byId, ...parameters };
          const all = await ask(whole.key, path, what);
          const some = await ask(shop.key, path, what);
          const told = `${path} ${JSON.stringify(parameters)}`;
          assert.equal(all.status, 200, `${told}: ${all.text}`);
          assert.equal(some.status, 200, `${told}: ${some.text}`);
          assert.doesNotMatch(some.text, secrets, told);
          // Or the test would prove nothing.
          if (showing.test(path) && parameters === asked[0]) assert.match(all.text, secrets, told);
        }
      }
    });

    it('sees what is its own', async () => {
      const { text } = await ask(shop.key, '/api/v1/search', { stream, size: '100', source: 'hot' });
      const { hits } = JSON.parse(text) as { hits: { message: string; tag: string; fields?: object }[] };
      assert.equal(hits.length, 22);
      assert.ok(hits.every(({ tag }) => tag === 'app.shop.cart'));
      assert.ok(hits.some(({ message }) => message === 'payment 7 paid by [redacted]'));
      const unseen = await ask(whole.key, '/api/v1/search', { stream, size: '100', source: 'hot' });
      assert.match(unseen.text, /of-the-bank/);
      assert.match(unseen.text, /ann-secret-17/);
    });

    it('asks about no hidden field, and gets no original line', async () => {
      const refused: [string, Record<string, string>][] = [
        ['/api/v1/search', { q: 'user.name:ann*' }],
        ['/api/v1/search', { q: '* | top 5 card' }],
        ['/api/v1/search', { q: '* | count by message' }],
        ['/api/v1/search/stream', { q: 'card:4*', source: 'archive' }],
        ['/api/v1/histogram', { by: 'card' }],
        ['/api/v1/histogram', { q: '_exists_:fields.user.name' }],
        ['/api/v1/facets', { fields: 'tag,card' }],
        ['/api/v1/fields/values', { field: 'user.name' }],
        ['/api/v1/fields/stats', { field: 'card' }],
        ['/api/v1/patterns', { q: 'NOT card:1' }],
        ['/api/v1/compare', { q: 'user:x' }],
        ['/api/v1/export', { format: 'raw' }],
        ['/api/v1/export', { format: 'csv', fields: 'card' }],
        ['/api/v1/search', { fields: 'tag,user.name' }],
        ['/api/v1/ledger', {}],
        ['/api/v1/replays', {}],
      ];
      for (const [path, parameters] of refused) {
        const { status, text } = await ask(shop.key, path, parameters);
        assert.equal(status, 403, `${path} ${JSON.stringify(parameters)}: ${text}`);
      }
      const fields = await ask(shop.key, '/api/v1/fields', { stream });
      assert.match(fields.text, /"name":"n"/);
      assert.doesNotMatch(fields.text, /"(fields\.)?(card|user|user\.name)"/);
    });

    it('gets no context of an event of others', async () => {
      const routesThere = await routes();
      for (const path of ['/api/v1/context', '/api/v1/neighbours']) {
        if (!routesThere.includes(path)) continue;
        const { text } = await ask(shop.key, path, { id: ids.at(-1) ?? '' });
        assert.doesNotMatch(text, secrets, path);
      }
    });
  });
}
