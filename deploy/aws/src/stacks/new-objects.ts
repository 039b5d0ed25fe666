import { Aws, Duration } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { PartStack } from './stack.ts';

export interface NewObjects {
  queue: Queue;
  /** What could not be loaded. */
  dead: Queue;
}

/** Six times as long as the loader may run, and its batching window: AWS asks for it. */
const visibility = Duration.minutes(31);
/** Fifteen hours of attempts: a warehouse may be paused for a night. */
const attempts = 30;

/**
 * Queues that S3 tells of new NDJSON objects. They are of the bucket's own stack: it refers to the queue, and a queue
 * elsewhere, whose reader refers to the bucket, would make a circle of two stacks.
 */
export function newObjects(stack: PartStack, bucket: Bucket, key: Key): NewObjects {
  const base = {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: key,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  };
  const dead = new Queue(stack, 'NotLoaded', base);
  const queue = new Queue(stack, 'NewObjects', {
    ...base,
    visibilityTimeout: visibility,
    deadLetterQueue: { queue: dead, maxReceiveCount: attempts },
  });
  // Not by the bucket's ARN: the bucket is made after this. The loader refuses what is of another one.
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  );
  // By CloudFormation itself: the CDK's way is a function with rights to all notifications of the bucket.
  const made = bucket.node.defaultChild as CfnBucket;
  made.notificationConfiguration = {
    queueConfigurations: [
      {
        event: 's3:ObjectCreated:*',
        queue: queue.queueArn,
        filter: {
          s3Key: {
            rules: [
              { name: 'prefix', value: 'ndjson/' },
              { name: 'suffix', value: '.ndjson.gz' },
            ],
          },
        },
      },
    ],
  };
  // S3 tries the queue when it is told of it.
  made.node.addDependency(queue);
  return { queue, dead };
}
