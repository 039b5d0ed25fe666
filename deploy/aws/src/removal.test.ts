import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { type Resource, templatesOf, type Variant, variants } from './testing/synth.ts';

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

test('in prod nothing can empty a bucket or a repository, and nobody has the right to delete an object', () => {
  for (const variant of ['prod', 'public'] as const) {
    assert.equal(of(variant, 'Custom::S3AutoDeleteObjects').length, 0);
    for (const { Properties } of of(variant, 'AWS::ECR::Repository')) assert.ok(!Properties.EmptyOnDelete);
    // That no action is allowed by `*` says rights.test.ts.
    assert.doesNotMatch(JSON.stringify(all[variant]), /s3:Delete|ecr:\w*Delete/);
  }
});
