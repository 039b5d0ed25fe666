import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { type Resource, settingsOf, templatesOf, type Variant, variants } from './testing/synth.ts';

const all = {} as Record<Variant, Resource[]>;
before((t) => {
  for (const variant of Object.keys(variants) as Variant[])
    all[variant] = Object.values(templatesOf(t as TestContext, variant)).flatMap(({ Resources }) =>
      Object.values(Resources),
    );
});

const of = (variant: Variant, type: string) => all[variant].filter(({ Type }) => Type === type);

test('what holds data stays when its stack is deleted, where the settings say so', () => {
  const data = [
    'AWS::Kinesis::Stream',
    'AWS::DynamoDB::Table',
    'AWS::S3::Bucket',
    'AWS::ECR::Repository',
    'AWS::OpenSearchService::Domain',
    'AWS::KMS::Key',
  ];
  for (const type of data) {
    // What a failed first deployment made goes with it: its names would be in the way of the second.
    for (const { DeletionPolicy } of of('prod', type))
      assert.equal(DeletionPolicy, 'RetainExceptOnCreate', type);
    for (const { DeletionPolicy } of of('dev', type)) assert.equal(DeletionPolicy, 'Delete', type);
  }
});

test('a stage without data of its own can be deleted whole: buckets and repositories are emptied', () => {
  for (const variant of ['dev', 'qa'] as const) {
    assert.equal(of(variant, 'AWS::S3::Bucket').length, 3);
    assert.equal(of(variant, 'Custom::S3AutoDeleteObjects').length, 3);
    for (const { Properties } of of(variant, 'AWS::ECR::Repository'))
      assert.equal(Properties.EmptyOnDelete, true);
    for (const { Properties } of of(variant, 'AWS::DynamoDB::Table'))
      assert.equal(Properties.DeletionProtectionEnabled, false);
  }
});

test('a stage without data of its own takes its reports and its queues with it', (t) => {
  const { analytics = assert.fail() } = settingsOf('public');
  const stacks = templatesOf(t, 'dev', { ...settingsOf('dev'), analytics });
  const resources = Object.values(stacks).flatMap(({ Resources }) => Object.values(Resources));
  const types = (type: string) => resources.filter(({ Type }) => Type === type);
  // Of the archive, access logs of both, and answers of Athena.
  assert.equal(types('AWS::S3::Bucket').length, 4);
  assert.equal(types('Custom::S3AutoDeleteObjects').length, 4);
  for (const { DeletionPolicy } of types('AWS::S3::Bucket')) assert.equal(DeletionPolicy, 'Delete');
  // A workgroup with queries in its history goes only so.
  for (const { Properties } of types('AWS::Athena::WorkGroup'))
    assert.equal(Properties.RecursiveDeleteOption, true);
  for (const type of ['AWS::SQS::Queue', 'AWS::Glue::Database', 'AWS::Glue::Table', 'AWS::Logs::LogGroup']) {
    assert.ok(types(type).length > 0, type);
    for (const { DeletionPolicy } of types(type))
      assert.notEqual(DeletionPolicy?.slice(0, 6), 'Retain', type);
  }
});

test('in prod nothing can empty a bucket or a repository, and nobody has the right to delete an object', () => {
  for (const variant of ['prod', 'public'] as const) {
    assert.equal(of(variant, 'Custom::S3AutoDeleteObjects').length, 0);
    for (const { Properties } of of(variant, 'AWS::ECR::Repository')) assert.ok(!Properties.EmptyOnDelete);
    // That no action is allowed by `*` says rights.test.ts.
    assert.doesNotMatch(JSON.stringify(all[variant]), /s3:Delete|ecr:\w*Delete/);
  }
});
