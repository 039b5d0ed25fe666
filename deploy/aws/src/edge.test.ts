import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { resolved } from './testing/resolve.ts';
import {
  type Resource,
  settingsOf,
  type Template,
  templatesOf,
  type Variant,
  variants,
} from './testing/synth.ts';

const all = {} as Record<Variant, Record<string, Template>>;
before((t) => {
  for (const variant of Object.keys(variants) as Variant[])
    all[variant] = templatesOf(t as TestContext, variant);
});

function of(template: Template | undefined, type: string): Resource[] {
  return Object.values(template?.Resources ?? {}).filter(({ Type }) => Type === type);
}

interface WafRule {
  Name: string;
  Action?: unknown;
  OverrideAction?: unknown;
  Statement: unknown;
}

const rulesOf = (part: string) =>
  of(all.public[part], 'AWS::WAFv2::WebACL').flatMap(({ Properties }) => Properties.Rules as WafRule[]);

/** What may refuse: managed rules that are not only counted, and our own. */
const refusing = (part: string) =>
  rulesOf(part)
    .filter(({ Action, OverrideAction }) => JSON.stringify(Action ?? OverrideAction) !== '{"Count":{}}')
    .map(({ Name }) => Name);

test('a firewall refuses by address and number alone: `${jndi:` stands in logs, and people search for it', () => {
  const byAddress = ['AWSManagedRulesAmazonIpReputationList', 'rate'];
  for (const part of ['SearchApi', 'Gateway']) {
    assert.deepEqual(refusing(part), byAddress, part);
    assert.doesNotMatch(JSON.stringify(rulesOf(part)), /FieldToMatch|JsonBody/, part);
  }
  // Nothing is even looked for in the bodies that the gateway takes.
  assert.deepEqual(
    rulesOf('Gateway').map(({ Name }) => Name),
    byAddress,
  );
  assert.ok(rulesOf('SearchApi').some(({ Name }) => Name === 'AWSManagedRulesKnownBadInputsRuleSet'));
});

test('each firewall counts by itself, and an alarm rings when it refuses many', () => {
  for (const [part, name] of [
    ['SearchApi', 'search'],
    ['Gateway', 'gateway'],
  ] as const) {
    const MetricName = firewallOf(part);
    const alarm = of(all.public.Alarms, 'AWS::CloudWatch::Alarm').find(
      ({ Properties }) => Properties.AlarmName === `millrace-prod-${name}-blocked`,
    );
    assert.equal(alarm?.Properties.MetricName, 'BlockedRequests');
    const dimensions = Object.fromEntries(
      (alarm.Properties.Dimensions as { Name: string; Value: unknown }[]).map((each) => [
        each.Name,
        resolved(each.Value),
      ]),
    );
    assert.deepEqual(dimensions, { Region: 'eu-west-1', Rule: 'ALL', WebACL: MetricName });
  }
  assert.notEqual(firewallOf('SearchApi'), firewallOf('Gateway'));
});

function firewallOf(part: string): string {
  const [acl] = of(all.public[part], 'AWS::WAFv2::WebACL');
  assert.ok(acl, part);
  return (acl.Properties.VisibilityConfig as { MetricName: string }).MetricName;
}

/** Rules of security groups that let something in, wherever they stand. */
function ways(template: Template | undefined, group: string): Record<string, unknown>[] {
  const own = of(template, 'AWS::EC2::SecurityGroupIngress').map(({ Properties }) => Properties);
  return own.filter(({ GroupId }) => JSON.stringify(GroupId).includes(`"${group}"`));
}

test('only its balancer reaches the search API and the gateway, whose word for who asks is believed', () => {
  for (const variant of Object.keys(variants) as Variant[])
    for (const part of ['SearchApi', 'Gateway']) {
      const template = all[variant][part];
      if (template === undefined) continue;
      const [service] = of(template, 'AWS::ECS::Service');
      const network = service?.Properties.NetworkConfiguration as {
        AwsvpcConfiguration: { SecurityGroups: { 'Fn::GetAtt': [string, string] }[] };
      };
      const groups = network.AwsvpcConfiguration.SecurityGroups.map((each) => each['Fn::GetAtt'][0]);
      assert.equal(groups.length, 1);
      const [group = ''] = groups;
      const ports = part === 'SearchApi' ? 1 : 2;
      assert.equal(ways(template, group).length, ports, `${variant} ${part}`);
      for (const { SourceSecurityGroupId, CidrIp } of ways(template, group)) {
        assert.equal(CidrIp, undefined);
        assert.match(JSON.stringify(SourceSecurityGroupId), /"BalancerGroup/);
      }
      assert.equal(template.Resources[group]?.Properties.SecurityGroupIngress, undefined);
    }
});

function ingressOf(template: Template | undefined): unknown[] {
  const group = of(template, 'AWS::EC2::SecurityGroup').find(({ Properties }) =>
    String(Properties.GroupDescription).startsWith('Load balancer'),
  );
  assert.ok(group);
  return (group.Properties.SecurityGroupIngress as { CidrIp: string }[]).map(({ CidrIp }) => CidrIp);
}

test('`from` adds to the VPC inside, and narrows everybody where the balancer is public', (t) => {
  const settings = settingsOf('prod');
  settings.search_api.from = ['10.1.0.0/16', '10.2.0.0/16'];
  assert.deepEqual(ingressOf(templatesOf(t, 'prod', settings).SearchApi), [
    '10.60.0.0/16',
    '10.1.0.0/16',
    '10.2.0.0/16',
  ]);
  assert.deepEqual(ingressOf(all.prod.SearchApi), ['10.60.0.0/16']);
  assert.deepEqual(ingressOf(all.public.SearchApi), ['198.51.100.0/24']);
  assert.deepEqual(ingressOf(all.public.Gateway), ['0.0.0.0/0']);
});

test('nobody takes the load balancer’s log bucket but the service that writes it', () => {
  for (const part of ['SearchApi', 'Gateway'])
    for (const { Properties } of of(all.public[part], 'AWS::S3::BucketPolicy')) {
      const { Statement } = Properties.PolicyDocument as { Statement: Record<string, unknown>[] };
      const allowed = Statement.filter(({ Effect }) => Effect === 'Allow');
      assert.equal(allowed.length, 1);
      assert.equal(allowed[0]?.Action, 's3:PutObject');
      assert.match(String(resolved(allowed[0]?.Resource)), /\/AWSLogs\/111122223333\/\*$/);
    }
});

test('zones are the first three of the region, or those that are named: not every zone has every kind of node', (t) => {
  const zonesOf = (template: Template | undefined) =>
    of(template, 'AWS::EC2::Subnet').map(({ Properties }) => Properties.AvailabilityZone);
  const settings = settingsOf('prod');
  settings.network.zones = ['us-east-1a', 'us-east-1c', 'us-east-1f'];
  assert.deepEqual(zonesOf(templatesOf(t, 'prod', settings).Network), settings.network.zones);
  assert.deepEqual(
    zonesOf(all.prod.Network),
    [0, 1, 2].map((i) => ({ 'Fn::Select': [i, { 'Fn::GetAZs': '' }] })),
  );
});
