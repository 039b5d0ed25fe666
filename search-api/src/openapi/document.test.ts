import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestServer, testHttp } from '../testing/test-server.ts';
import { plainSchema } from './plain-schema.ts';

interface Operation {
  summary?: string;
  parameters?: { name: string; in: string; schema: Record<string, unknown> }[];
  responses: Record<string, { description?: string; content?: Record<string, unknown> }>;
}

const ways = ['get', 'post', 'put', 'patch', 'delete'];

async function document(http: Partial<typeof testHttp> = {}) {
  const { get } = await createTestServer([], { http: { ...testHttp, ...http } });
  const { status, body } = await get('/docs/json');
  assert.equal(status, 200);
  return body as {
    openapi: string;
    servers: { url: string }[];
    paths: Record<string, Record<string, Operation>>;
  };
}

test('the document says of every operation what it is for and what it answers', async () => {
  const { openapi, paths } = await document();
  assert.equal(openapi, '3.1.0');
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );
  assert.ok(operations.length > 15);
  for (const [name, { summary, responses }] of operations) {
    assert.ok(ways.includes(name.split(' ')[0] ?? ''), name);
    assert.ok(summary, `${name} needs a summary in its schema`);
    const statuses = Object.keys(responses);
    assert.ok(
      statuses.some((status) => Number(status) < 400),
      name,
    );
    for (const status of ['400', '401', '403', '429', '500'])
      assert.ok(statuses.includes(status), `${name} ${status}`);
    for (const [status, { description }] of Object.entries(responses))
      assert.ok(description, `${name} ${status}`);
    assert.ok(!statuses.includes('default'), name);
  }
});

test('parameters have the types that clients are made of', async () => {
  const { paths } = await document();
  const parameters = paths['/api/v1/search']?.get?.parameters ?? [];
  const schemaOf = (name: string) => parameters.find((one) => one.name === name)?.schema;
  assert.deepEqual(schemaOf('sort')?.enum, ['desc', 'asc']);
  assert.equal(schemaOf('sort')?.type, 'string');
  assert.equal(schemaOf('size')?.type, 'integer');
  assert.deepEqual(Object.keys(paths['/metrics']?.get?.responses['200']?.content ?? {}), ['text/plain']);
});

test('below a base path, the document and its page say so', async () => {
  assert.deepEqual((await document({ base_path: '/logs' })).servers, [{ url: '/logs' }]);
  const { get } = await createTestServer([], { http: { ...testHttp, base_path: '/logs' } });
  const page = await get('/logs/docs');
  assert.equal(page.status, 200);
  assert.match(page.body, /src="\/logs\/docs\/static\/swagger-ui-bundle.js"/);
  assert.doesNotMatch(page.body, /<script>|<style>| style=/);
  assert.match(
    String(page.headers['content-security-policy']),
    /default-src 'none'; script-src 'self'; style-src 'self'/,
  );
});

const schemas: [unknown, unknown][] = [
  [
    {
      anyOf: [
        { const: 'a', type: 'string' },
        { const: 'b', type: 'string' },
      ],
      default: 'a',
    },
    { type: 'string', enum: ['a', 'b'], default: 'a' },
  ],
  [
    { anyOf: [{ type: 'string' }, { type: 'null' }], description: 'x' },
    { type: ['string', 'null'], description: 'x' },
  ],
  [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, { anyOf: [{ type: 'string' }, { type: 'number' }] }],
  [
    { type: 'array', items: { const: 1, type: 'number' } },
    { type: 'array', items: { enum: [1], type: 'number' } },
  ],
  [
    { anyOf: [{ type: 'object', properties: {} }, { type: 'null' }] },
    { type: ['object', 'null'], properties: {} },
  ],
];

schemas.push([
  { type: 'array', items: [{ type: 'integer' }], additionalItems: false, minItems: 1 },
  { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 1 },
]);

test('choices become enums, and what may be null has two types', () => {
  for (const [schema, plain] of schemas) assert.deepEqual(plainSchema(schema), plain);
});
