import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { type StoreConfig, StoreConfigSchema } from '@millrace/core/store/config.ts';
import { storeConformance } from '@millrace/core/store/conformance.ts';
import { createStore } from '@millrace/core/store/create.ts';
import { storeVersions } from '@millrace/deploy/local/engines/versions.ts';
import { superuserAdmin } from '../harness/conformance-subject.ts';
import { startStoreEngine } from '../harness/store-engine.ts';

// The newest version, as it is after a first start: TLS by an authority of its own, and nobody let in unknown.
const engine = await startStoreEngine('elasticsearch', storeVersions.elasticsearch[1], { secure: true });
after(() => engine.stop());
const admin = superuserAdmin(engine);

/** The rights that docs/stores.md names. */
const millrace = {
  cluster: ['monitor', 'manage_index_templates'],
  indices: [
    {
      names: ['millrace-*', 'millrace_marks', 'millrace_horizons', 'millrace_objects'],
      privileges: ['create_index', 'index', 'read', 'maintenance', 'monitor', 'delete', 'delete_index'],
    },
  ],
};
const apiKey = await keyFor(millrace);

storeConformance({ store: await store({ api_key: apiKey }), admin });

test('name and password do as well as a key', async (t) => {
  const named = await store(engine.superuser);
  t.after(() => named.close());
  assert.match(await named.describe(), /^elasticsearch 9\./);
});

test('a wrong key, a key without rights, and no key at all are unavailable with the cure', async (t) => {
  const cases: [StoreConfig['auth'], RegExp][] = [
    [{ api_key: Buffer.from('nobody:nothing').toString('base64') }, /store\.auth/],
    [undefined, /store\.auth/],
    [{ api_key: await keyFor({ cluster: [], indices: [] }) }, /right/],
  ];
  for (const [auth, hint] of cases) {
    const refused = await store(auth);
    t.after(() => refused.close());
    const error = { code: 'STORE_UNAVAILABLE', hint };
    await assert.rejects(refused.install(), error);
  }
});

test('a server whose certificate the authority did not sign gets nothing, unless it is not to be verified', async (t) => {
  const blind = { node: engine.node, auth: { api_key: apiKey } };
  const distrustful = await createStore(config(blind));
  t.after(() => distrustful.close());
  await assert.rejects(distrustful.describe(), { code: 'STORE_UNAVAILABLE', message: /certificate/ });
  const careless = await createStore(config({ ...blind, tls: { verify: false } }));
  t.after(() => careless.close());
  assert.match(await careless.describe(), /^elasticsearch/);
});

function config(value: Record<string, unknown>): StoreConfig {
  return validateConfig(StoreConfigSchema, { type: 'elasticsearch', ...value }, 'test');
}

function store(auth: StoreConfig['auth']) {
  return createStore(config({ node: engine.node, tls: { ca_file: engine.caFile }, ...(auth && { auth }) }));
}

async function keyFor(rights: object): Promise<string> {
  const body = { name: 'millrace', role_descriptors: { millrace: rights } };
  const { encoded } = await admin.rest('POST', '/_security/api_key', body);
  return String(encoded);
}
