import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadSettings, type Place } from './load.ts';

const example = JSON.parse(readFileSync(new URL('../testing/example.json', import.meta.url), 'utf8'));

function load(t: TestContext, stage: string, over: object, place?: Place) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-settings-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ours.json');
  writeFileSync(file, JSON.stringify(over));
  return loadSettings(stage, file, place);
}

test('settings of ours are laid over those of the stage, key by key, and the rest has defaults', (t) => {
  const settings = load(t, 'qa', { ...example, stream: { shards: 5 }, store: { domain: { disk_gb: 300 } } });
  assert.equal(settings.stage, 'qa');
  assert.deepEqual(settings.stream, { mode: 'provisioned', shards: 5, retention_hours: 168 });
  assert.equal(settings.store.domain.disk_gb, 300);
  assert.equal(settings.store.domain.data_type, 'm7g.large.search');
  assert.equal(settings.alarms.behind_minutes, 10);
});

test('an unknown stage or key is refused with the nearest known one', (t) => {
  assert.throws(() => loadSettings('pord'), { code: 'CONFIG_INVALID', message: /did you mean "prod"\?/ });
  assert.throws(() => loadSettings(undefined), { code: 'CONFIG_INVALID' });
  assert.throws(() => load(t, 'dev', { ...example, stream: { shard: 5 } }), {
    code: 'CONFIG_INVALID',
    message: /\/stream\/shard: unknown key, did you mean "shards"\?/,
  });
});

const refused: [what: string, stage: string, over: object, message: RegExp][] = [
  ['plain HTTP in production', 'prod', { certificate_arn: undefined }, /certificate_arn: required/],
  ['nobody named', 'dev', { access: {} }, /search_api\/access: required/],
  ['a login without a way out', 'dev', { access: { oidc: {} } }, /nat_gateways/],
  ['fewer at most than at least', 'dev', { tasks_min: 3, tasks_max: 2 }, /tasks_max: is below/],
  ['a task that Fargate has not', 'dev', { cpu: 512, memory_mb: 8192 }, /memory_mb: Fargate has no task/],
];

for (const [what, stage, over, message] of refused)
  test(`refused: ${what}`, (t) => {
    const settings = { ...example, search_api: { ...example.search_api, ...over } };
    assert.throws(() => load(t, stage, settings), { code: 'CONFIG_INVALID', message });
  });

test('refused: shards that change by themselves where Kinesis chooses them, or between bounds that are none', (t) => {
  const autoscale = { min: 2, max: 8 };
  assert.throws(() => load(t, 'prod', { ...example, stream: { autoscale } }), {
    message: /stream\/autoscale: Kinesis chooses/,
  });
  assert.throws(() => load(t, 'qa', { ...example, stream: { autoscale: { min: 9, max: 8 } } }), {
    message: /autoscale\/max: is below min/,
  });
  const { stream } = load(t, 'qa', { ...example, stream: { autoscale } });
  assert.deepEqual(stream.autoscale, { ...autoscale, target_percent: 60, every_minutes: 5 });
});

test('refused: an archive that is frozen or deleted before the store is done with it', (t) => {
  const archive = { instant_after_days: 3, deep_after_days: 10 };
  assert.throws(() => load(t, 'qa', { ...example, archive }), { message: /deep_after_days: the filler/ });
  assert.throws(() => load(t, 'qa', { ...example, archive: { expire_after_days: 8 } }), {
    message: /expire_after_days: the archive would end/,
  });
});

test('refused: networks without room or that are none, with where and what to do', (t) => {
  const problems: [over: object, message: RegExp][] = [
    [
      { network: { cidr: '10.60.0.0/21' } },
      /\/network\/cidr: 10\.60\.0\.0\/21 is not of \/16 to \/20.*would do/,
    ],
    [{ network: { cidr: '10.0.0.0/8' } }, /\/network\/cidr: .* is not of \/16 to \/20/],
    [{ network: { cidr: '10.60.1.0/16' } }, /\/network\/cidr: 10\.60\.1\.0\/16 is no network/],
    [{ network: { cidr: '10.600.0.0/16' } }, /is no network/],
    [
      { search_api: { ...example.search_api, from: ['10.1.0.0/16', '10.2.0.0/33'] } },
      /\/search_api\/from\/1: 10\.2\.0\.0\/33 is no network/,
    ],
  ];
  for (const [over, message] of problems)
    assert.throws(() => load(t, 'dev', { ...example, ...over }), { code: 'CONFIG_INVALID', message });
  assert.equal(load(t, 'dev', { ...example, network: { cidr: '10.60.16.0/20' } }).network.nat_gateways, 0);
});

test('refused: prod without its data', (t) => {
  assert.throws(() => load(t, 'prod', { ...example, keep_data: false }), {
    code: 'CONFIG_INVALID',
    message: /\/keep_data: prod keeps its data/,
  });
});

test('refused: a warehouse that is neither a workgroup nor a cluster, or both', (t) => {
  const redshift = { database: 'logs', copy_role_arn: 'arn:aws:iam::111122223333:role/copy' };
  const workgroup_arn = `arn:aws:redshift-serverless:eu-west-1:111122223333:workgroup/${'0'.repeat(8)}-1111-2222-3333-444444444444`;
  const message = /redshift: one of workgroup_arn/;
  for (const where of [{}, { workgroup_arn, cluster: 'reports' }])
    assert.throws(() => load(t, 'dev', { ...example, analytics: { redshift: { ...redshift, ...where } } }), {
      message,
    });
  const taken = load(t, 'dev', { ...example, analytics: { redshift: { ...redshift, cluster: 'reports' } } });
  assert.deepEqual(taken.analytics?.streams, ['logs']);
});

test('refused: a workgroup elsewhere, where it is known where here is', (t) => {
  const redshift = {
    workgroup_arn: `arn:aws:redshift-serverless:eu-west-1:111122223333:workgroup/${'0'.repeat(8)}-1111-2222-3333-444444444444`,
    database: 'logs',
    copy_role_arn: 'arn:aws:iam::111122223333:role/copy',
  };
  const settings = { ...example, analytics: { redshift } };
  const here = { account: '111122223333', region: 'eu-west-1' };
  for (const place of [
    { ...here, region: 'us-east-1' },
    { ...here, account: '444455556666' },
  ])
    assert.throws(() => load(t, 'dev', settings, place), {
      code: 'CONFIG_INVALID',
      message: /workgroup_arn: is of account 111122223333, eu-west-1, and the stacks go to/,
    });
  for (const place of [here, undefined])
    assert.equal(load(t, 'dev', settings, place).analytics?.redshift?.database, 'logs');
});

test('refused: nodes that take no EBS, and burstable masters of a domain with standby', (t) => {
  const domain = (over: object) => load(t, 'qa', { ...example, store: { domain: over } }).store.domain;
  for (const type of ['i3', 'i4g', 'i4i', 'im4gn', 'oi2', 'r6gd', 'r7gd'])
    assert.throws(() => domain({ data_type: `${type}.large.search` }), {
      message: /data_type: .* takes no EBS/,
    });
  for (const type of ['m7g', 'r6g', 'or1', 'or2', 'c7i', 'm8g', 't3'])
    assert.equal(domain({ data_type: `${type}.large.search` }).disk_gb > 0, true);
  const masters = { standby: true, master_type: 't3.medium.search' };
  assert.throws(() => domain(masters), { message: /standby: needs dedicated masters, and nodes/ });
});

test('refused: a certificate elsewhere, and topics of another region', (t) => {
  const here = { account: '111122223333', region: 'eu-west-1' };
  const of = (over: object) => ({ ...example, search_api: { ...example.search_api, ...over } });
  assert.throws(() => load(t, 'dev', example, { ...here, region: 'us-east-1' }), {
    message: /\/search_api\/certificate_arn: is of account .* load balancers take/,
  });
  const topic = (region: string, account = here.account) =>
    of({ alert_topics: [`arn:aws:sns:${region}:${account}:a`] });
  assert.throws(() => load(t, 'dev', topic('us-east-1'), here), {
    message: /\/search_api\/alert_topics\/0: is/,
  });
  for (const settings of [example, topic('eu-west-1'), topic('eu-west-1', '444455556666')])
    assert.equal(load(t, 'dev', settings, here).stage, 'dev');
});
