import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Stack } from 'aws-cdk-lib';
import { warehouseRights } from './analytics/rights.ts';
import { resolved } from './testing/resolve.ts';
import { settingsOf, type Template, templatesOf, type Variant, variants } from './testing/synth.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource?: unknown;
  Principal?: unknown;
  Condition?: unknown;
}

/** Where `Resource: '*'` stands, each with its reason. In the policy of a key it means the key itself. */
const anyResource: [where: RegExp, actions: RegExp, reason: string][] = [
  [/^AWS::KMS::Key /, /^kms:/, 'of the key that the policy belongs to'],
  [/StartRights/, /^ecr:GetAuthorizationToken$/, 'the token is the account’s'],
  [/ShardsRights/, /^(cloudwatch:GetMetricData|kinesis:DescribeLimits)$/, 'of the account: no resource'],
  [
    /LoaderRights/,
    /^redshift-data:(Describe|GetStatementR|List)/,
    'a statement is no resource, its owner a condition',
  ],
  [/Reports/, /^athena:List(DataCatalogs|EngineVersions|WorkGroups)$/, 'lists of the account: no resource'],
  [/MapRolesRights/, /^ec2:(Create|Delete|Describe)(NetworkInterfaces?|Subnets)$/, 'EC2 has no narrower one'],
];

/** Actions with `*`, by stage: removal.test.ts sees to it that nothing is emptied where data is kept. */
function maybeWild(variant: Variant, where: string): boolean {
  // `kms:*` for the account itself is what lets policies of IAM decide over a key.
  if (where.startsWith('AWS::KMS::Key ')) return true;
  // The CDK's function that empties a bucket before it is deleted.
  return (variant === 'dev' || variant === 'qa') && where.startsWith('AWS::S3::BucketPolicy ');
}

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** Every statement of every policy of a template, wherever it stands. */
function* statements(
  templates: Record<string, Template>,
): Generator<{ where: string; statement: Statement }> {
  for (const [part, { Resources }] of Object.entries(templates))
    for (const [id, { Type, Properties }] of Object.entries(Resources))
      for (const statement of within(Properties)) yield { where: `${Type} ${part}/${id}`, statement };
}

function* within(value: unknown): Generator<Statement> {
  if (typeof value !== 'object' || value === null) return;
  if ('Effect' in value && 'Action' in value) yield value as Statement;
  for (const each of Object.values(value)) yield* within(each);
}

test('no user, no access key, no password: programs and people come with roles', (t) => {
  for (const variant of Object.keys(variants) as Variant[])
    for (const { Resources } of Object.values(templatesOf(t, variant))) {
      const types = Object.values(Resources).map(({ Type }) => Type);
      for (const type of [
        'AWS::IAM::User',
        'AWS::IAM::AccessKey',
        'AWS::IAM::Group',
        'AWS::IAM::UserToGroupAddition',
      ])
        assert.ok(!types.includes(type), type);
      const text = JSON.stringify(Resources);
      assert.doesNotMatch(
        text,
        /AKIA[A-Z0-9]{16}|aws_key_id|aws_sec_key|MasterUserPassword|SecretAccessKey/i,
      );
    }
});

test('every allowed action is named, and every resource but those with a reason', (t) => {
  const used = new Set<RegExp>();
  for (const variant of Object.keys(variants) as Variant[])
    for (const { where, statement } of statements(templatesOf(t, variant))) {
      if (statement.Effect !== 'Allow') continue;
      for (const action of listOf(statement.Action)) {
        if (!maybeWild(variant, where)) assert.doesNotMatch(action, /\*/, `${where}: ${action}`);
        if (!listOf(statement.Resource).includes('*')) continue;
        const reason = anyResource.find(([place, actions]) => place.test(where) && actions.test(action));
        assert.ok(reason, `${where}: ${action} on *`);
        used.add(reason[0]);
      }
    }
  assert.equal(used.size, anyResource.length, 'a reason that nothing needs any more');
});

/** What a command of the SDK needs. Parts and completion of an upload are PutObject. */
const actionsOf: Record<string, string> = {
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  CompleteMultipartUpload: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  GetObject: 's3:GetObject',
  HeadBucket: 's3:ListBucket',
  HeadObject: 's3:GetObject',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListObjectsV2: 's3:ListBucket',
  PutObject: 's3:PutObject',
  UploadPart: 's3:PutObject',
  AddTagsToStream: 'kinesis:AddTagsToStream',
  DescribeLimits: 'kinesis:DescribeLimits',
  DescribeStreamSummary: 'kinesis:DescribeStreamSummary',
  GetMetricData: 'cloudwatch:GetMetricData',
  GetRecords: 'kinesis:GetRecords',
  GetShardIterator: 'kinesis:GetShardIterator',
  ListShards: 'kinesis:ListShards',
  ListTagsForStream: 'kinesis:ListTagsForStream',
  MergeShards: 'kinesis:MergeShards',
  SplitShard: 'kinesis:SplitShard',
  UpdateShardCount: 'kinesis:UpdateShardCount',
  DescribeTable: 'dynamodb:DescribeTable',
  PutItem: 'dynamodb:PutItem',
  Scan: 'dynamodb:Scan',
  DeleteItem: 'dynamodb:DeleteItem',
  GetItem: 'dynamodb:GetItem',
  UpdateItem: 'dynamodb:UpdateItem',
  BatchExecuteStatement: 'redshift-data:BatchExecuteStatement',
  DescribeStatement: 'redshift-data:DescribeStatement',
  GetStatementResult: 'redshift-data:GetStatementResult',
  ListStatements: 'redshift-data:ListStatements',
};

/** Asked of AWS by a program, and not given on purpose. */
const notGiven = {
  CreateTable: 'both tables are there',
  PutRecords: 'replay --to-stream is a tool of people',
};

/** By others than our code: the KCL, KMS below S3 and Kinesis, the store's adapter. */
const besides = [
  ...['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator'].map(
    (name) => `kinesis:${name}`,
  ),
  ...['kms:Decrypt', 'kms:GenerateDataKey'],
  ...['Delete', 'Get', 'Head', 'Post', 'Put'].map((method) => `es:ESHttp${method}`),
];

function commandsIn(...folders: string[]): string[] {
  const files = folders.flatMap((folder) => globSync(join(folder, '**/*.ts'), { cwd: root }));
  const source = files
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const paginated = [...source.matchAll(/\bpaginate([A-Z]\w+)\(/g)].map(([, name = '']) => name);
  return [
    ...new Set([...[...source.matchAll(/\bnew (\w+)Command\(/g)].map(([, name = '']) => name), ...paginated]),
  ];
}

function actionsFor(templates: Record<string, Template>, policy: RegExp): string[] {
  const all = [...statements(templates)].filter(({ where }) => policy.test(where));
  return [...new Set(all.flatMap(({ statement }) => listOf(statement.Action)))].sort();
}

test('the consumer may do what it does, and nothing else', (t) => {
  const asked = commandsIn('consumer/src', 'archive/src').filter((name) => !Object.hasOwn(notGiven, name));
  const needed = asked.map((name) => actionsOf[name] ?? `nothing known for ${name}Command`);
  const given = actionsFor(templatesOf(t, 'prod'), /Policy Consumer\/ConsumerRights/);
  assert.deepEqual(given, [...new Set([...needed, ...besides])].sort());
});

test('what changes the shards may do what the command asks for, and nothing else', (t) => {
  const asked = commandsIn('deploy/src/shards');
  assert.ok(asked.length > 10);
  const needed = asked.map((name) => actionsOf[name] ?? `nothing known for ${name}Command`);
  const given = actionsFor(templatesOf(t, 'public'), /Policy Shards\/ShardsRights/);
  // Records of the stream are encrypted: their age is read at the checkpoints.
  assert.deepEqual(given, [...new Set([...needed, 'kms:Decrypt'])].sort());
});

test('the search API only reads the archive, an agent only writes to stream and spill', (t) => {
  const own = templatesOf(t, 'public');
  const reading = ['kms:Decrypt', 's3:GetObject', 's3:ListBucket', 'sns:Publish'];
  assert.deepEqual(actionsFor(own, /Policy SearchApi\/SearchApiRights/), reading);
  assert.deepEqual(actionsFor(own, /Policy Gateway\/GatewayRights/), [
    'kinesis:PutRecords',
    'kms:GenerateDataKey',
  ]);
  assert.deepEqual(actionsFor(own, /ManagedPolicy Fleet\/Agent/), [
    'kinesis:PutRecords',
    'kms:GenerateDataKey',
    's3:PutObject',
  ]);
});

test('the loader may do what it does, its queue and its log aside, and nothing else', (t) => {
  const asked = commandsIn('deploy/src/analytics/redshift');
  const needed = asked.map((name) => actionsOf[name] ?? `nothing known for ${name}Command`);
  const byAws = [
    ...['CreateLogStream', 'PutLogEvents'].map((name) => `logs:${name}`),
    ...['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'].map((name) => `sqs:${name}`),
    ...['kms:Decrypt', 'kms:GenerateDataKey', 'redshift-serverless:GetCredentials'],
  ];
  const given = actionsFor(templatesOf(t, 'public'), /Policy Analytics\/LoaderRights/);
  assert.deepEqual(given, [...new Set([...needed, ...byAws])].sort());
});

test('a loader into a cluster may speak to that cluster, and to that database of it', (t) => {
  const redshift = {
    cluster: 'reports',
    database: 'logs',
    schema: 'public',
    copy_role_arn: 'arn:aws:iam::1:role/copy',
  };
  const rights = new Stack().resolve(warehouseRights(redshift).map((each) => each.toStatementJson()));
  t.assert.deepEqual(JSON.stringify(rights).match(/:(cluster:reports|dbname:reports\/logs)"/g), [
    ':cluster:reports"',
    ':dbname:reports/logs"',
  ]);
});

test('each role is assumed by one service, and of this account', (t) => {
  for (const variant of Object.keys(variants) as Variant[])
    for (const { where, statement } of statements(templatesOf(t, variant))) {
      if (statement.Action !== 'sts:AssumeRole') continue;
      const { Service } = statement.Principal as { Service?: unknown };
      assert.equal(typeof Service, 'string', where);
    }
});

test('keys that are not ours are used by way of the service whose things they encrypt, and of no other', (t) => {
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';
  const topicKey = key.replace('1111-', '9999-');
  const settings = settingsOf('public');
  settings.search_api.secret_key_arns = [key];
  settings.search_api.alert_topic_key_arns = [topicKey];
  const used = [...statements(templatesOf(t, 'public', settings))].flatMap(({ where, statement }) =>
    JSON.stringify(statement.Resource ?? '').includes(':key/') ? [{ where, statement }] : [],
  );
  const by = (place: RegExp) =>
    used
      .filter(({ where }) => place.test(where))
      .map(({ statement: { Action, Resource, Condition } }) => resolved([Action, Resource, Condition]));
  const via = (service: string) => ({
    StringEquals: { 'kms:ViaService': `${service}.eu-west-1.amazonaws.com` },
  });
  for (const part of ['SearchApi', 'Consumer', 'Ledger'])
    assert.deepEqual(
      by(new RegExp(`${part}StartRights`)),
      [['kms:Decrypt', key, via('secretsmanager')]],
      part,
    );
  assert.deepEqual(by(/SearchApi\/SearchApiRights/), [
    [['kms:Decrypt', 'kms:GenerateDataKey'], topicKey, via('sns')],
  ]);
  assert.equal(used.length, 4);
});

test('the key is there for our logs, alarms and notifications, with no action more', (t) => {
  for (const variant of Object.keys(variants) as Variant[]) {
    const { stage } = settingsOf(variant);
    const services = [...statements({ Access: templatesOf(t, variant).Access ?? { Resources: {} } })].filter(
      ({ where, statement }) =>
        where.startsWith('AWS::KMS::Key ') && JSON.stringify(statement.Principal).includes('Service'),
    );
    assert.deepEqual(
      services.map(({ statement: { Action, Condition, Principal } }) =>
        resolved([Principal, Action, Condition]),
      ),
      [
        [
          { Service: 'logs.eu-west-1.amazonaws.com' },
          ['kms:Decrypt*', 'kms:Describe*', 'kms:Encrypt*', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
          {
            ArnLike: {
              'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:eu-west-1:111122223333:log-group:/millrace/${stage}/*`,
            },
          },
        ],
        [
          { Service: 'cloudwatch.amazonaws.com' },
          ['kms:Decrypt', 'kms:GenerateDataKey'],
          { StringEquals: { 'aws:SourceAccount': '111122223333' } },
        ],
        ...(settingsOf(variant).analytics?.redshift === undefined
          ? []
          : [
              [
                { Service: 's3.amazonaws.com' },
                ['kms:Decrypt', 'kms:GenerateDataKey'],
                { StringEquals: { 'aws:SourceAccount': '111122223333' } },
              ],
            ]),
      ],
    );
  }
});
