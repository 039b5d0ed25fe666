import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { validateConfig } from '../../config/validate.ts';
import { MillraceError } from '../../errors.ts';
import { type StoreConfig, StoreConfigSchema } from '../config.ts';
import { createStore } from '../create.ts';
import { isTooLarge } from '../failure.ts';
import type { SearchRequest, Store } from '../port.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const search: SearchRequest = {
  indices: ['millrace-app-*'],
  query: { match_all: {} },
  size: 1,
  order: 'asc',
  trackTotal: 10,
  highlight: false,
};

for (const type of ['opensearch', 'elasticsearch'] as const) describe(type, () => answering(type));

test('a server of another engine is refused with its cure', async (t) => {
  for (const type of ['opensearch', 'elasticsearch'] as const) {
    const body = '{"version":{"number":"9.2.0"},"nodes":{"a":{"version":"9.2.0"}}}';
    const store = await storeOn(t, type, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    });
    await assert.rejects(store.describe(), { code: 'STORE_REJECTED', hint: /store\.type/ });
  }
});

test('a proxy that swallows the product header is no reason to give documents up', async (t) => {
  const store = await storeOn(t, 'elasticsearch', (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"errors":false,"items":[]}');
  });
  await assert.rejects(store.bulkCreate('x\n', 1), { code: 'STORE_UNAVAILABLE', hint: /x-elastic-product/ });
});

for (const [auth, type, message] of [
  [{ username: 'a' }, 'opensearch', /do not go together/],
  [{ username: 'a', password: 'b', api_key: 'c' }, 'elasticsearch', /do not go together/],
  [{ api_key: 'c' }, 'opensearch', /OpenSearch has none/],
  [{ type: 'aws', region: 'eu-west-1' }, 'elasticsearch', /no AWS signatures/],
  [{ type: 'aws' }, 'opensearch', /type aws with type/],
  [{ type: 'aws', region: 'eu-west-1', password: 'x' }, 'opensearch', /type aws with password/],
] as const) {
  test(`auth ${JSON.stringify(auth)} for ${type} is refused`, async () => {
    const config = validateConfig(StoreConfigSchema, { type, node: 'http://a', auth }, 'test');
    await assert.rejects(createStore(config), { code: 'CONFIG_INVALID', message });
  });
}

for (const [type, auth, expected] of [
  ['opensearch', { username: 'ann', password: 'pw' }, `Basic ${btoa('ann:pw')}`],
  ['elasticsearch', { username: 'ann', password: 'pw' }, `Basic ${btoa('ann:pw')}`],
  ['elasticsearch', { api_key: 'aWQ6a2V5' }, 'ApiKey aWQ6a2V5'],
] as const) {
  test(`${type} is told ${Object.keys(auth).join(' and ')}`, async (t) => {
    let told: string | undefined;
    const handler: Handler = (request, response) => {
      told = request.headers.authorization;
      answer(response, 200, '{"errors":false,"items":[{"create":{"status":201}}]}');
    };
    const store = await storeOn(t, type, handler, 5000, auth);
    assert.deepEqual(await store.bulkCreate('x\n', 1), [{ kind: 'created' }]);
    assert.equal(told, expected);
  });
}

function answering(type: StoreConfig['type']): void {
  for (const [status, body, code] of [
    [400, errorBody('illegal_argument_exception', 'bad'), 'STORE_REJECTED'],
    [
      400,
      errorBody('validation_exception', 'this would add [2] shards, maximum [1] shards open'),
      'STORE_UNAVAILABLE',
    ],
    [401, '', 'STORE_UNAVAILABLE'],
    [403, errorBody('security_exception', 'no permissions'), 'STORE_UNAVAILABLE'],
    [404, '<html>not here</html>', 'STORE_REJECTED'],
    [413, '', 'STORE_REJECTED'],
    [429, errorBody('circuit_breaking_exception', 'Data too large'), 'STORE_UNAVAILABLE'],
    [500, errorBody('null_pointer_exception', ''), 'STORE_UNAVAILABLE'],
    [502, '<html>Bad Gateway</html>', 'STORE_UNAVAILABLE'],
    [503, '', 'STORE_UNAVAILABLE'],
    [504, '', 'STORE_UNAVAILABLE'],
  ] as const) {
    test(`a whole bulk answered with ${status} ${body.slice(0, 40)} is ${code}`, async (t) => {
      const store = await storeOn(t, type, (_, response) => answer(response, status, body));
      await assert.rejects(store.bulkCreate('secret\n', 1), (error) => {
        assert.ok(error instanceof MillraceError);
        assert.equal(error.code, code);
        assert.equal(isTooLarge(error), status === 413);
        // Neither the request nor the client's own types travel with the error.
        assert.equal(error.cause, undefined);
        return true;
      });
    });
  }

  for (const [what, body] of [
    ['is cut off', '{"errors":false,"items":[{"create":'],
    ['has too few items', '{"errors":false,"items":[{"create":{"status":201}}]}'],
    ['is of a proxy', '<html>hello</html>'],
    ['is empty', ''],
  ] as const) {
    test(`a bulk whose answer ${what} may be sent again`, async (t) => {
      const store = await storeOn(t, type, (_, response) => answer(response, 200, body));
      await assert.rejects(store.bulkCreate('x\n', 2), { code: 'STORE_UNAVAILABLE' });
    });
  }

  test('a bulk is sent once, as it is, and its items come back in order', async (t) => {
    const bodies: string[] = [];
    const items = [
      { create: { status: 201 } },
      { create: { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'exists' } } },
      { create: { status: 429, error: { type: 'rejected_execution_exception', reason: 'queue' } } },
      { create: { status: 403, error: { type: 'cluster_block_exception', reason: 'read-only' } } },
      { create: { status: 404, error: { type: 'index_not_found_exception', reason: 'gone' } } },
      { create: { status: 400, error: { type: 'index_closed_exception', reason: 'closed' } } },
      {
        create: {
          status: 400,
          error: { type: 'validation_exception', reason: 'maximum normal shards open' },
        },
      },
      {
        create: {
          status: 400,
          error: { type: 'mapper_parsing_exception', reason: 'a', caused_by: { type: 'b', reason: 'deep' } },
        },
      },
      { create: {} },
    ];
    const store = await storeOn(t, type, (request, response, body) => {
      assert.match(String(request.url), /^\/_bulk\?filter_path=/);
      assert.match(String(request.headers['content-type']), /x-ndjson/);
      bodies.push(body);
      answer(response, 200, JSON.stringify({ errors: true, items }));
    });
    const results = await store.bulkCreate('a\nä\n', items.length);
    const kinds = ['created', 'exists', 'retry', 'retry', 'retry', 'retry', 'retry', 'rejected', 'retry'];
    assert.deepEqual(
      results.map((result) => result.kind),
      kinds,
    );
    assert.ok(results[5]?.kind === 'retry' && results[5].cause === 'block');
    assert.deepEqual(results[7], {
      kind: 'rejected',
      status: 400,
      type: 'mapper_parsing_exception',
      reason: 'a: deep',
    });
    assert.deepEqual(bodies, ['a\nä\n']);
  });

  test('a server that does not listen, or stalls in the middle of its answer, is unavailable', async (t) => {
    const store = await storeOn(t, type, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"errors"');
    });
    await assert.rejects(store.bulkCreate('x\n', 1), {
      code: 'STORE_UNAVAILABLE',
      message: /no answer within 150 ms/,
    });
    const nobody = await createStore(storeConfig(type, 'http://127.0.0.1:1'));
    t.after(() => nobody.close());
    await assert.rejects(nobody.bulkCreate('x\n', 1), { code: 'STORE_UNAVAILABLE' });
  });

  test('a connection that breaks during the answer is unavailable, and nothing is written to stdout', async (t) => {
    const printed = t.mock.method(console, 'log', () => {});
    const store = await storeOn(t, type, (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"errors"', () => request.socket.resetAndDestroy());
    });
    await assert.rejects(store.bulkCreate('x\n', 1), { code: 'STORE_UNAVAILABLE' });
    assert.equal(printed.mock.callCount(), 0);
  });

  test('an aborted call ends at once, before and during its answer', async (t) => {
    const waiting = Promise.withResolvers<void>();
    const store = await storeOn(t, type, () => waiting.resolve(), 60_000);
    await assert.rejects(store.bulkCreate('x\n', 1, AbortSignal.abort()), { code: 'STORE_UNAVAILABLE' });
    const controller = new AbortController();
    const call = store.bulkCreate('x\n', 1, controller.signal);
    await waiting.promise;
    controller.abort();
    await assert.rejects(call, { code: 'STORE_UNAVAILABLE' });
  });

  test('a call that is answered leaves nothing behind at the signal of its caller', async (t) => {
    const store = await storeOn(t, type, (_, response) =>
      answer(response, 200, '{"errors":false,"items":[{"create":{"status":201}}]}'),
    );
    const any = t.mock.method(AbortSignal, 'any');
    const { signal } = new AbortController();
    await store.bulkCreate('x\n', 1, signal);
    const signals = [signal, ...any.mock.calls.map((call) => call.result as AbortSignal)];
    assert.ok(signals.length > 1);
    assert.deepEqual(
      signals.map((each) => getEventListeners(each, 'abort').length),
      signals.map(() => 0),
    );
  });

  test('an answer without hits is none: unknown horizons and marks are not absent ones', async (t) => {
    const store = await storeOn(t, type, (_, response) => answer(response, 200, '{"status":"ok"}'));
    await assert.rejects(store.horizons(), { code: 'STORE_UNAVAILABLE' });
    await assert.rejects(store.marksSetAside({ size: 1 }), { code: 'STORE_UNAVAILABLE' });
  });

  test('indices are not listed while a node does not answer for its shards', async (t) => {
    let failed = 1;
    const indices = { 'millrace-logs-2026.02.03': { primaries: { docs: { count: 2 } } } };
    const store = await storeOn(t, type, (_, response) =>
      answer(response, 200, JSON.stringify({ _shards: { total: 4, successful: 2, failed }, indices })),
    );
    await assert.rejects(store.indices(), { code: 'STORE_UNAVAILABLE' });
    failed = 0;
    assert.deepEqual(await store.indices(), [{ index: 'millrace-logs-2026.02.03', documents: 2, bytes: 0 }]);
  });

  test('a search is asked again while shards start, and not for ever', async (t) => {
    let calls = 0;
    const store = await storeOn(t, type, (_, response) => {
      calls++;
      if (calls < 3) return answer(response, 503, errorBody('no_shard_available_action_exception', ''));
      return answer(response, 200, '{"took":1,"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}}');
    });
    assert.deepEqual((await store.search(search)).hits, []);
    assert.equal(calls, 3);
    calls = -100;
    await assert.rejects(store.search(search), { code: 'STORE_UNAVAILABLE' });
    assert.equal(calls, -96);
  });

  test('a search whose highlighting fails is answered without', async (t) => {
    const store = await storeOn(t, type, (_, response, body) => {
      if (body.includes('highlight'))
        return answer(response, 400, errorBody('illegal_argument_exception', 'offset'));
      return answer(response, 200, '{"took":1,"hits":{"total":{"value":7,"relation":"gte"},"hits":[]}}');
    });
    const found = await store.search({ ...search, highlight: true });
    assert.deepEqual(found.total, { value: 7, relation: 'gte' });
  });

  test('marks that a shard does not answer for are unknown, not missing', async (t) => {
    const docs = [{ found: true }, { error: { type: 'no_shard_available_action_exception', reason: '' } }];
    const store = await storeOn(t, type, (_, response) => answer(response, 200, JSON.stringify({ docs })));
    await assert.rejects(store.marked(['a', 'b']), { code: 'STORE_UNAVAILABLE' });
  });
}

test('the configuration takes one node or several, and no password in an address', async () => {
  const two = validateConfig(
    StoreConfigSchema,
    { type: 'opensearch', node: ['http://a:1', 'https://b/x'] },
    'x',
  );
  assert.deepEqual(two.index, {
    shards: 1,
    replicas: '0-1',
    refresh_interval: 'auto',
    codec: 'best_compression',
  });
  for (const bad of ['http://user:secret@host', 'host:9200', 'http://host/?x=1']) {
    assert.throws(() => storeConfig('opensearch', bad), { code: 'CONFIG_INVALID' });
  }
  const tls = { ca_file: '/nonexistent/ca.pem' };
  const config = { ...storeConfig('opensearch', 'https://a'), tls };
  await assert.rejects(createStore(config), { code: 'CONFIG_INVALID', message: /ca_file/ });
});

function storeConfig(type: StoreConfig['type'], node: string, timeoutMs = 150, auth?: StoreConfig['auth']) {
  const value = { type, node, request_timeout_ms: timeoutMs, ...(auth ? { auth } : {}) };
  return validateConfig(StoreConfigSchema, value, 'test');
}

async function storeOn(
  t: TestContext,
  type: StoreConfig['type'],
  handler: Handler,
  timeoutMs = 150,
  auth?: StoreConfig['auth'],
): Promise<Store> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const store = await createStore(storeConfig(type, `http://127.0.0.1:${port}`, timeoutMs, auth));
  t.after(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  return store;
}

function answer(response: ServerResponse, status: number, body: string): void {
  const type = body.startsWith('<') ? 'text/html' : 'application/json';
  response.writeHead(status, { 'content-type': type, 'x-elastic-product': 'Elasticsearch' }).end(body);
}

function errorBody(type: string, reason: string): string {
  return JSON.stringify({ error: { type, reason, root_cause: [{ type, reason }] } });
}
