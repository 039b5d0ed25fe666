import { CfnOutput, Duration, Validations } from 'aws-cdk-lib';
import type { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type LifecycleRule,
  ObjectOwnership,
  StorageClass,
  type Transition,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import { type NewObjects, newObjects } from './new-objects.ts';
import { PartStack } from './stack.ts';

/** The bucket that has every byte, and one for who asked it for what. */
export class ArchiveStack extends PartStack {
  readonly bucket: Bucket;
  /** Queues of what a warehouse is to load. */
  readonly newObjects: NewObjects | undefined;

  constructor(scope: Construct, settings: Settings, key: Key) {
    super(scope, 'Archive', settings, 'bucket of the archive');
    const base = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      ...this.bucketRemoval,
    };
    const requests = new Bucket(this, 'Requests', {
      ...base,
      // Log delivery cannot use a customer's key.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ expiration: Duration.days(settings.log_days), ...abortUploads }],
    });
    this.bucket = new Bucket(this, 'Bucket', {
      ...base,
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      // One request to KMS for many objects.
      bucketKeyEnabled: true,
      versioned: true,
      serverAccessLogsBucket: requests,
      serverAccessLogsPrefix: 'archive/',
      lifecycleRules: lifecycle(settings),
    });
    this.newObjects = settings.analytics?.redshift && newObjects(this, this.bucket, key);
    new CfnOutput(this, 'ArchiveBucket', { value: this.bucket.bucketName });
    Validations.of(this.bucket).acknowledge({
      id: 'CloudFormation-Validate::W9003',
      reason: 'the CDK writes ObjectSizeGreaterThan as a number; CloudFormation takes it',
    });
  }
}

/**
 * No consumer resumes an upload: after a crash its records are read again from the stream, into another object.
 * An upload is open for minutes, as long as S3 is there; a day leaves room for any outage.
 */
const abortUploads = { abortIncompleteMultipartUploadAfter: Duration.days(1) };

/** Objects smaller than this stay where they are: Glacier bills 128 KB at least, and each move costs a request. */
const movedBytesMin = 128 * 1024;

/** Manifests of loads are written by each attempt; a week is for who looks at them. */
const manifestDays = 7;

function lifecycle({ archive, analytics }: Settings): LifecycleRule[] {
  const { instant_after_days: instant, deep_after_days: deep, expire_after_days: expire } = archive;
  const transitions: Transition[] = [
    ...(instant > 0
      ? [{ storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: Duration.days(instant) }]
      : []),
    ...(deep > 0 ? [{ storageClass: StorageClass.DEEP_ARCHIVE, transitionAfter: Duration.days(deep) }] : []),
  ];
  const expiration = expire > 0 ? { expiration: Duration.days(expire) } : {};
  return [
    { id: 'unfinished-uploads', ...abortUploads },
    {
      id: 'older-versions',
      noncurrentVersionExpiration: Duration.days(archive.versions_days),
      // With an expiry S3 sees to the markers by itself; it cannot be said twice.
      ...(expire > 0 ? {} : { expiredObjectDeleteMarker: true }),
    },
    ...(transitions.length > 0
      ? [{ id: 'archive-glacier', prefix: 'archive/', objectSizeGreaterThan: movedBytesMin, transitions }]
      : []),
    ...(analytics?.redshift === undefined
      ? []
      : [{ id: 'loads-expiry', prefix: 'loads/', expiration: Duration.days(manifestDays) }]),
    ...(expire > 0
      ? ['archive/', 'ndjson/', 'manifests/'].map((prefix) => ({
          id: `${prefix.slice(0, -1)}-expiry`,
          prefix,
          ...expiration,
        }))
      : []),
  ];
}
