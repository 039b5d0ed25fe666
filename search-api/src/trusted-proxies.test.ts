import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fastify from 'fastify';
import { loadConfig } from './config.ts';
import { believed } from './trusted-proxies.ts';

const network = ['10.60.0.0/16'];
const balancer = '10.60.1.9';
const neighbour = '10.60.1.5';

/** Who asks, as limits and the audit log see it. */
async function askerOf(
  t: TestContext,
  http: Parameters<typeof believed>[0],
  remoteAddress: string,
  forwarded: string,
): Promise<string> {
  const server = fastify({ trustProxy: believed(http) });
  t.after(() => server.close());
  server.get('/', ({ ip }) => ip);
  const headers = { 'x-forwarded-for': forwarded };
  return (await server.inject({ url: '/', remoteAddress, headers })).body;
}

test('with one hop a neighbour of the balancer cannot say that it is somebody else', async (t) => {
  const one = { trusted_proxies: network, trusted_hops: 1 };
  assert.equal(await askerOf(t, one, balancer, `198.51.100.7, ${neighbour}`), neighbour);
  assert.equal(await askerOf(t, one, balancer, '198.51.100.7'), '198.51.100.7');
  assert.equal(await askerOf(t, one, `::ffff:${balancer}`, '198.51.100.7'), '198.51.100.7');
});

test('without a bound each address that is named is passed over, and one hop counts from named ones only', async (t) => {
  const all = { trusted_proxies: network };
  assert.equal(await askerOf(t, all, balancer, `198.51.100.7, ${neighbour}`), '198.51.100.7');
  const one = { trusted_proxies: network, trusted_hops: 1 };
  assert.equal(await askerOf(t, one, '192.0.2.1', '198.51.100.7'), '192.0.2.1');
  assert.equal(await askerOf(t, { trusted_proxies: [] }, balancer, '198.51.100.7'), balancer);
});

test('hops without a network of proxies are refused: anybody could forge', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-hops-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'search-api.json');
  const store = { type: 'opensearch', node: 'http://127.0.0.1:1' };
  writeFileSync(file, JSON.stringify({ http: { port: 0, trusted_hops: 1 }, store }));
  assert.throws(() => loadConfig(file), { code: 'CONFIG_INVALID', message: /trusted_hops: nobody/ });
});
