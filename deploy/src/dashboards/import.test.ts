import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { importDashboards } from './import.ts';

interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** Answers as the products' API documents say; neither can be had here as a process. */
async function product(t: TestContext, version: string, answer: { status: number; body: unknown }) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      asked.push({ method, path, headers, body });
      const status = path.endsWith('/api/status');
      response.writeHead(status ? 200 : answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(status ? { version: { number: version } } : answer.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const imported = { status: 200, body: { success: true, successCount: 9 } };

test('asks which product it is, and imports its file over what is there', async (t) => {
  for (const [version, name, header] of [
    ['9.2.0', 'kibana', 'kbn-xsrf'],
    ['3.4.0', 'opensearch-dashboards', 'osd-xsrf'],
  ] as const) {
    const { url, asked } = await product(t, version, imported);
    const target = { url: `${url}/base/`, authorization: 'ApiKey abc' };
    const result = await importDashboards(target, (file) => `{"type":"${file}"}\n`);
    assert.deepEqual(result, { product: name, objects: 9 });
    const [, call] = asked;
    assert.equal(call?.path, '/base/api/saved_objects/_import?overwrite=true');
    assert.equal(call?.method, 'POST');
    assert.equal(call?.headers[header], 'true');
    assert.equal(call?.headers.authorization, 'ApiKey abc');
    assert.match(String(call?.headers['content-type']), /^multipart\/form-data; boundary=/);
    assert.match(call?.body ?? '', /name="file"; filename="millrace.ndjson"/);
    assert.ok(call?.body.includes(`{"type":"${name}"}`));
  }
});

test('imports into a space of Kibana', async (t) => {
  const { url, asked } = await product(t, '', imported);
  await importDashboards({ url, product: 'kibana', space: 'team logs' }, () => '');
  assert.equal(asked[0]?.path, '/s/team%20logs/api/saved_objects/_import?overwrite=true');
});

test('says what was refused, and what to do', async (t) => {
  const conflict = { type: 'dashboard', id: 'millrace-overview', error: { type: 'missing_references' } };
  for (const [answer, message, hint] of [
    [{ status: 401, body: {} }, /401/, /MILLRACE_DASHBOARDS_AUTH/],
    [{ status: 403, body: { message: 'no rights' } }, /no rights/, /may not manage/],
    [
      { status: 200, body: { success: false, errors: [conflict] } },
      /dashboard millrace-overview: missing_references/,
      /version/,
    ],
  ] as const) {
    const { url } = await product(t, '9.2.0', answer);
    await assert.rejects(
      importDashboards({ url }, () => ''),
      { code: 'STORE_REJECTED', message, hint },
    );
  }
});

test('a store in place of a product, or nobody, is told as such', async (t) => {
  const { url } = await product(t, '', imported);
  await assert.rejects(
    importDashboards({ url }, () => ''),
    { code: 'STORE_REJECTED', hint: /--type/ },
  );
  await assert.rejects(
    importDashboards({ url: 'http://127.0.0.1:1' }, () => ''),
    { code: 'STORE_UNAVAILABLE', hint: /Kibana/ },
  );
});
