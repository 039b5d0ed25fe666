import { CfnOutput, Duration } from 'aws-cdk-lib';
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { athenaTable } from '../analytics/athena-table.ts';
import { Loader } from '../analytics/loader.ts';
import { reportRights } from '../analytics/rights.ts';
import type { Settings } from '../settings/schema.ts';
import type { Parts } from './parts.ts';
import { PartStack } from './stack.ts';

/** Answers are asked for again, not kept. */
const resultDays = 7;

/** Reports over the archive: a table and a workgroup for Athena, and a loader where there is a warehouse. */
export class AnalyticsStack extends PartStack {
  /** Undefined without a warehouse. */
  readonly loader: Loader | undefined;

  constructor(scope: Construct, settings: Settings, { archive, access }: Parts) {
    super(scope, 'Analytics', settings, 'table and workgroup of Athena, loader of Redshift');
    const { analytics } = settings;
    if (analytics === undefined) throw new Error('a stack for analytics without any');
    const results = this.#results(access.key);
    const workGroup = new CfnWorkGroup(this, 'WorkGroup', {
      name: this.prefix,
      description: 'Reports over the archive of Millrace',
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: analytics.scan_gb_max * 1_000_000_000,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${results.bucketName}/`,
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: access.key.keyArn },
        },
      },
    });
    const { database, table } = this.#table(archive.bucket.bucketName, analytics.streams);
    const reports = new ManagedPolicy(this, 'Reports', {
      managedPolicyName: `${this.prefix}-reports-${this.region}`,
      description: 'Millrace: asks Athena about the archive',
      statements: reportRights({
        bucket: archive.bucket.bucketArn,
        results: results.bucketArn,
        key: access.key.keyArn,
        workGroup: workGroup.name,
        database,
        table,
      }),
    });
    new CfnOutput(this, 'ReportsPolicy', { value: reports.managedPolicyArn });
    if (analytics.redshift !== undefined && archive.newObjects !== undefined)
      this.loader = new Loader(this, 'Loader', {
        redshift: analytics.redshift,
        bucket: archive.bucket,
        queue: archive.newObjects.queue,
        key: access.key,
      });
  }

  #results(encryptionKey: Parts['access']['key']): Bucket {
    return new Bucket(this, 'Results', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      encryption: BucketEncryption.KMS,
      encryptionKey,
      bucketKeyEnabled: true,
      ...this.bucketRemoval,
      lifecycleRules: [
        { expiration: Duration.days(resultDays), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
  }

  #table(bucket: string, streams: string[]): { database: string; table: string } {
    const catalogId = this.account;
    // Without hyphens, or every query would have to quote it.
    const name = this.prefix.replaceAll('-', '_');
    const made = athenaTable({ bucket, prefix: '', streams: streams.join(',') });
    const database = new CfnDatabase(this, 'Database', {
      catalogId,
      databaseInput: { name, description: 'The archive of Millrace' },
    });
    new CfnTable(this, 'Table', {
      catalogId,
      databaseName: database.ref,
      tableInput: {
        name: made.name,
        description: 'Events of the archive, by deploy/analytics/athena/table.sql',
        tableType: 'EXTERNAL_TABLE',
        parameters: { EXTERNAL: 'TRUE', ...made.properties },
        partitionKeys: made.partitionKeys,
        storageDescriptor: {
          columns: made.columns,
          location: made.location,
          inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
          serdeInfo: { serializationLibrary: made.serde, parameters: made.serdeProperties },
        },
      },
    });
    return { database: name, table: made.name };
  }
}
