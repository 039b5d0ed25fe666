import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { storeConformance } from '@millrace/core/store/conformance.ts';
import { engineAdmin } from '@millrace/core/store/conformance-admin.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { storeUnderTest } from '../harness/env.ts';
import { sigV4Proxy } from '../harness/sigv4-proxy.ts';

const { node } = storeUnderTest();
const identity = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret',
  region: 'eu-west-1',
  service: 'es',
};
const environment = { ...process.env };
delete process.env.AWS_SESSION_TOKEN;
process.env.AWS_ACCESS_KEY_ID = identity.accessKeyId;
process.env.AWS_SECRET_ACCESS_KEY = identity.secretAccessKey;
const proxy = await sigV4Proxy(node, identity);
after(async () => {
  process.env = environment;
  assert.deepEqual(proxy.refused, []);
  assert.ok(proxy.passed > 100);
  await proxy.close();
});

storeConformance({
  store: await awsStore(proxy.url, { region: identity.region }),
  admin: engineAdmin(node),
});

test('a session token is signed too, for the service that is named', async (t) => {
  const token = { ...identity, sessionToken: 'FwoGZXIvYXdzE==', service: 'aoss' };
  const collection = await sigV4Proxy(node, token);
  process.env.AWS_SESSION_TOKEN = token.sessionToken;
  const store = await awsStore(collection.url, { region: token.region, service: 'aoss' });
  t.after(async () => {
    delete process.env.AWS_SESSION_TOKEN;
    await store.close();
    await collection.close();
  });
  assert.match(await store.describe(), /^opensearch/);
  assert.deepEqual([collection.passed, collection.refused], [1, []]);
});

test('another secret or region is refused, with the cure', async (t) => {
  const strict = await sigV4Proxy(node, { ...identity, secretAccessKey: 'other' });
  t.after(() => strict.close());
  for (const region of ['eu-west-1', 'us-east-1']) {
    const store = await awsStore(strict.url, { region });
    t.after(() => store.close());
    await assert.rejects(store.describe(), { code: 'STORE_UNAVAILABLE', hint: /store\.auth/ });
  }
  assert.equal(strict.refused.length, 2);
  assert.match(String(strict.refused[0]), /^signature of GET/);
  assert.match(String(strict.refused[1]), /^credential AKIDEXAMPLE\/\d{8}\/us-east-1/);
});

function awsStore(url: string, auth: { region: string; service?: string }) {
  const value = { type: 'opensearch', node: url, auth: { type: 'aws', ...auth } };
  return createStore(validateConfig(StoreConfigSchema, value, 'test'));
}
