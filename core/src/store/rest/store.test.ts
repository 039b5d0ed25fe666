import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { validateConfig } from '../../config/validate.ts';
import { exactJson } from '../../document/json-text.ts';
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

test('objects are read when the shard of their new index has started', async (t) => {
  for (const type of ['opensearch', 'elasticsearch'] as const) {
    let started = false;
    const store = await storeOn(t, type, (request, response) => {
      const health = request.url?.startsWith('/_cluster/health/millrace_objects') === true;
      started ||= health;
      const status = started ? 200 : 503;
      const headers = { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' };
      response.writeHead(status, headers).end(started ? '{"hits":{"hits":[]}}' : '{"error":{"type":"x"}}');
    });
    assert.deepEqual(await store.objects.list('saved', { size: 10 }), []);
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

  test('an answer that does not fit is broken off, and not asked for again', async (t) => {
    let asked = 0;
    const store = await storeOn(t, type, (_, response) => {
      asked++;
      answer(response, 200, `{"hits":{"hits":[]},"x":"${'x'.repeat(2_000_000)}"}`);
    });
    await assert.rejects(store.search(search), (error) => isTooLarge(error));
    assert.equal(asked, 1);
  });

  test('a scan opens with fewer documents where they are larger than the first', async (t) => {
    const sizes: number[] = [];
    const hit = '{"_id":"a","_index":"i","_source":{"message":"m"}}';
    const store = await storeOn(t, type, (request, response, body) => {
      const { size } = JSON.parse(body || '{}') as { size?: number };
      const isOpening = request.url?.includes('scroll=') === true;
      if (isOpening) sizes.push(size ?? 0);
      const large = isOpening && (size ?? 0) > 50 ? 'x'.repeat(2_000_000) : '';
      const hits = request.url?.startsWith('/_search/scroll') === true ? '' : hit;
      answer(response, 200, `{"_scroll_id":"s","hits":{"hits":[${hits}]},"x":"${large}",${indices}}`);
    });
    const indices = '"aggregations":{"indices":{"sum_other_doc_count":0,"buckets":[{"key":"i"}]}}';
    const ids: string[] = [];
    const request = { indices: ['millrace-app-*'], query: {}, pageBytes: 8_000_000, keepMs: 1_000 };
    for await (const page of store.scan(request)) ids.push(...page.map(({ id }) => id));
    assert.deepEqual(ids, ['a']);
    assert.deepEqual(sizes, [3_000, 300, 30]);
  });

  test('integers beyond 2^53 are exact in the fields of hits', async (t) => {
    const fields =
      '{"id":9007199254740993,"of":[{"n":-12345678901234567890}],"text":"[9007199254740993","f":1e300}';
    const hit = (source: string) =>
      `{"_id":"a","_index":"i","_source":${source},"sort":[1763806675670000001,"p","g",7,8]}`;
    const body = `{"hits":{"hits":[${hit('{}')},${hit(`{"message":"m","fields":${fields}}`)}]}}`;
    const store = await storeOn(t, type, (_, response) => answer(response, 200, body));
    const { hits } = await store.search(search);
    assert.deepEqual(hits[1]?.source, {
      message: 'm',
      fields: {
        id: 9007199254740993n,
        of: [{ n: -12345678901234567890n }],
        text: '[9007199254740993',
        f: 1e300,
      },
    });
    assert.equal(typeof hits[1]?.sort[0], 'number');
  });

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

  test('a store may be closed more than once', async () => {
    const store = await createStore(storeConfig(type, 'http://127.0.0.1:1'));
    await store.close();
    await store.close();
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

  test('a record whose fields are called like parts of JavaScript spoils no answer', async (t) => {
    const fields = '{"__proto__":{"a":1},"constructor":{"prototype":9007199254740993}}';
    const hit = `{"_id":"1","_index":"i","_source":{"message":"m","fields":${fields}},"sort":[]}`;
    const store = await storeOn(t, type, (_, response) =>
      answer(response, 200, `{"took":1,"hits":{"total":{"value":1,"relation":"eq"},"hits":[${hit}]}}`),
    );
    const [found] = (await store.search(search)).hits;
    assert.equal(exactJson(found?.source.fields), fields);
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
  const bounds = { request_timeout_ms: timeoutMs, answer_bytes_max: 1_048_576 };
  const value = { type, node, ...bounds, ...(auth ? { auth } : {}) };
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
