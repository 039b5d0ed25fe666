import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { searchEngines } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

for (const engine of searchEngines()) {
  describe(`searches saved in ${engine.type}`, () => {
    let servers: SearchServer[];
    before(async () => {
      servers = await Promise.all([startSearchServer(engine), startSearchServer(engine)]);
    });
    after(async () => {
      await Promise.all(servers.map((server) => server.stop()));
    });

    const send = (method: string, server: number, path: string, body?: object, ifMatch?: string) =>
      fetch(`${servers[server]?.url}/api/v1/saved${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });

    it('are seen by another server at once, and one of many changes at a time wins', async () => {
      const made = await send('POST', 0, '', { name: 'first', q: 'level:error' });
      assert.equal(made.status, 201);
      const etag = made.headers.get('etag') ?? '';
      const { id } = (await made.json()) as { id: string };
      const seen = await send('GET', 1, `/${id}`);
      assert.equal(seen.headers.get('etag'), etag);
      const changes = await Promise.all(
        Array.from({ length: 8 }, (_, i) => send('PUT', i % 2, `/${id}`, { name: `change ${i}` }, etag)),
      );
      const statuses = changes.map(({ status }) => status).sort();
      assert.deepEqual(statuses, [200, ...Array.from({ length: 7 }, () => 409)]);
      const winner = changes.find(({ status }) => status === 200) as Response;
      const { name } = (await winner.json()) as { name: string };
      assert.equal(((await (await send('GET', 1, `/${id}`)).json()) as { name: string }).name, name);
      assert.equal((await send('DELETE', 1, `/${id}`)).status, 204);
      assert.equal((await send('GET', 0, `/${id}`)).status, 404);
    });
  });
}
