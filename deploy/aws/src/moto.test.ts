import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DescribeStreamSummaryCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { merged } from './testing/merged.ts';
import { type Credentials, type Moto, startMoto } from './testing/moto.ts';
import { templatesOf } from './testing/synth.ts';

/** What moto makes of a template; of the other types it says nothing, or knows too little. */
const known = [
  'AWS::DynamoDB::Table',
  'AWS::EC2::VPC',
  'AWS::ECR::Repository',
  'AWS::ECS::Cluster',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::KMS::Alias',
  'AWS::KMS::Key',
  'AWS::Kinesis::Stream',
  'AWS::Logs::LogGroup',
  'AWS::Logs::ResourcePolicy',
  'AWS::S3::Bucket',
  'AWS::SNS::Topic',
];

/** moto speaks HTTP/1.1 alone. */
const http1 = new NodeHttpHandler();
const region = 'eu-west-1';
const stack = 'millrace';
let moto: Moto;
/** Physical names by logical ids. */
let made: Map<string, string>;
const roles = ['Consumer', 'SearchApi', 'Ledger'] as const;
type Role = (typeof roles)[number];
const credentials = new Map<Role, Credentials>();

before(async (t) => {
  moto = await startMoto(t as TestContext);
  const template = merged(templatesOf(t as TestContext, 'prod'), (type) => known.includes(type));
  // moto looks for TagKey in tags of keys, which CloudFormation calls Key.
  for (const { Properties } of Object.values(template.Resources)) delete Properties.Tags;
  const cloudFormation = new CloudFormationClient(client());
  await cloudFormation.send(
    new CreateStackCommand({
      StackName: stack,
      TemplateBody: JSON.stringify(template),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    }),
  );
  const { StackResources = [] } = await cloudFormation.send(
    new DescribeStackResourcesCommand({ StackName: stack }),
  );
  made = new Map(StackResources.map((each) => [each.LogicalResourceId ?? '', each.PhysicalResourceId ?? '']));
  assert.equal(made.size, Object.keys(template.Resources).length);
  for (const role of roles) credentials.set(role, await moto.assume(nameOf(new RegExp(`^Access${role}`))));
});

function client(credentials: Credentials = { accessKeyId: 'x', secretAccessKey: 'x', sessionToken: 'x' }) {
  return { endpoint: moto.endpoint, region, credentials, maxAttempts: 1 };
}

function nameOf(logical: RegExp): string {
  const found = [...made].find(([id]) => logical.test(id));
  assert.ok(found, String(logical));
  return found[1];
}

const stream = { StreamName: 'millrace-prod' };
const denied = { name: /^AccessDenied/ };
const key = 'archive/logs/2026/11/22/10/shard/1.zst';

test('the stream keeps records for seven days, and the tables are the ones of leases and locks', async () => {
  const kinesis = new KinesisClient({ ...client(), requestHandler: http1 });
  const summary = await kinesis.send(new DescribeStreamSummaryCommand(stream));
  assert.equal(summary.StreamDescriptionSummary?.RetentionPeriodHours, 168);
  await kinesis.send(
    new PutRecordsCommand({ ...stream, Records: [{ Data: Buffer.from('block'), PartitionKey: '1' }] }),
  );
  const dynamo = new DynamoDBClient(client());
  const leases = { TableName: 'millrace-prod' };
  await dynamo.send(new PutItemCommand({ ...leases, Item: { leaseKey: { S: 'shardId-0' } } }));
  assert.equal((await dynamo.send(new ScanCommand(leases))).Count, 1);
  const locks = { TableName: 'millrace-prod_locks' };
  await dynamo.send(new DeleteItemCommand({ ...locks, Key: { name: { S: 'filler' } } }));
});

// From here on moto asks the policies. It knows the resources of S3 alone: for other services rights.test.ts has to do.
test('each role can do with the archive what its program does, and nothing else', async () => {
  await moto.enforce();
  const as = (role: Role) => new S3Client({ ...client(credentials.get(role)), forcePathStyle: true });
  const [consumer, searchApi, ledger] = roles.map(as);
  assert.ok(consumer && searchApi && ledger);
  const Bucket = nameOf(/^ArchiveBucket/);
  const object = { Bucket, Key: key };

  const { UploadId } = await consumer.send(new CreateMultipartUploadCommand(object));
  const part = { ...object, UploadId, PartNumber: 1 };
  const { ETag } = await consumer.send(new UploadPartCommand({ ...part, Body: 'block' }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await consumer.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }));
  await assert.rejects(consumer.send(new DeleteObjectCommand(object)), denied);
  await assert.rejects(consumer.send(new PutObjectCommand({ Bucket, Key: 'elsewhere', Body: 'x' })), denied);

  const { Body } = await searchApi.send(new GetObjectCommand(object));
  assert.equal(await Body?.transformToString(), 'block');
  await assert.rejects(searchApi.send(new PutObjectCommand({ ...object, Body: 'x' })), denied);

  await ledger.send(new PutObjectCommand({ Bucket, Key: 'manifests/logs/1.mrm', Body: 'x' }));
  await assert.rejects(ledger.send(new PutObjectCommand({ ...object, Body: 'x' })), denied);
});
