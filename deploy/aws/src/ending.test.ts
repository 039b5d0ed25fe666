import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import type { Settings } from './settings/schema.ts';
import { Deployed } from './testing/cloudformation.ts';
import { settingsOf, type Template, templatesOf } from './testing/synth.ts';

type Stage = Record<string, Template>;
const whole = settingsOf('public');

/** What the settings can do without, and how they are without it. */
const endings = {
  Shards: ({ stream }: Settings) => delete stream.autoscale,
  Analytics: (settings: Settings) => delete settings.analytics,
  Gateway: (settings: Settings) => delete settings.gateway,
  redshift: ({ analytics }: Settings) => delete analytics?.redshift,
};
const parts = ['Shards', 'Analytics', 'Gateway'] as const;

let all: Stage;
const without = {} as Record<keyof typeof endings, Stage>;
before((t) => {
  const made = (settings: Settings) => templatesOf(t as TestContext, 'public', settings);
  all = made(whole);
  for (const [name, leave] of Object.entries(endings)) {
    const settings = structuredClone(whole);
    leave(settings);
    without[name as keyof typeof endings] = made(settings);
  }
});

const templateOf = (stage: Stage, name: string) => stage[name] ?? assert.fail(name);

for (const part of parts)
  test(`ending ${part}: alarms without it, then the part alone, then all; nothing else has to go`, () => {
    const account = new Deployed({});
    account.deployAll(all);
    account.deploy('Alarms', templateOf(without[part], 'Alarms'));
    account.destroy(part);
    account.deployAll(without[part]);
    assert.deepEqual(
      account.names,
      Object.keys(all)
        .filter((name) => name !== part)
        .sort(),
    );
    // And it can come back.
    account.deployAll(all);
  });

for (const part of parts)
  test(`ending ${part} in another order is refused`, () => {
    const account = new Deployed({});
    account.deployAll(all);
    assert.throws(() => account.destroy(part), /is in use by Alarms/);
    assert.throws(() => account.deployAll(without[part]), /is in use by/);
    account.deploy('Alarms', templateOf(without[part], 'Alarms'));
    assert.throws(() => account.deployAll(without[part]), new RegExp(`is in use by ${part}`));
  });

test('ending the loader of Redshift alone: alarms, then Analytics, then all; no stack goes', () => {
  const account = new Deployed({});
  account.deployAll(all);
  const { redshift } = without;
  assert.throws(() => account.deploy('Analytics', templateOf(redshift, 'Analytics')), /in use by Alarms/);
  account.deploy('Alarms', templateOf(redshift, 'Alarms'));
  account.deploy('Analytics', templateOf(redshift, 'Analytics'));
  account.deployAll(redshift);
  assert.deepEqual(account.names, Object.keys(all).sort());
});

test('from a domain of ours to a store that is there: who asks it first, then the domain, then all', (t) => {
  const { existing } = whole.store;
  const own = settingsOf('prod');
  assert.ok(existing);
  const domain = templatesOf(t, 'prod', own);
  const elsewhere = templatesOf(t, 'prod', {
    ...own,
    network: { ...own.network, nat_gateways: 3 },
    store: { ...own.store, existing },
  });
  const account = new Deployed({});
  account.deployAll(domain);
  assert.throws(() => account.deployAll(elsewhere), /is in use by Store/);
  for (const name of ['Network', 'Alarms', 'Consumer', 'SearchApi', 'Ledger'])
    account.deploy(name, templateOf(elsewhere, name));
  account.destroy('Store');
  account.deployAll(elsewhere);
});

test('where a balancer stands cannot be changed: what the alarms import of it would become another', (t) => {
  const other = templatesOf(t, 'public', {
    ...whole,
    search_api: { ...whole.search_api, public: false },
    gateway: { ...(whole.gateway ?? assert.fail()), public: false },
  });
  const text = JSON.stringify(all.Alarms);
  for (const name of ['SearchApi', 'Gateway']) {
    const schemes = [all, other].map((stage) =>
      Object.values(templateOf(stage, name).Resources)
        .filter(({ Type }) => Type === 'AWS::ElasticLoadBalancingV2::LoadBalancer')
        .map(({ Properties }) => Properties.Scheme),
    );
    // CloudFormation replaces a balancer whose scheme changes.
    assert.deepEqual(schemes, [['internet-facing'], ['internal']]);
    assert.match(text, new RegExp(`Millrace-prod-${name}:ExportsOutput\\w+Balancer`));
  }
});
