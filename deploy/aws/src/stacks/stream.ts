import { CfnOutput, Duration } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import { PartStack } from './stack.ts';

/** The stream, and the consumers' tables beside it: where they stand in the stream is worth as much as the stream. */
export class StreamStack extends PartStack {
  readonly stream: Stream;
  /** The KCL's; its name is the application's. */
  readonly leases: Table;
  /** Of the work that one consumer of the fleet does at a time. */
  readonly locks: Table;

  constructor(scope: Construct, settings: Settings, key: Key) {
    super(scope, 'Stream', settings, 'Kinesis stream, tables of leases and locks');
    const removalPolicy = this.dataRemoval;
    const onDemand = settings.stream.mode === 'on_demand';
    this.stream = new Stream(this, 'Stream', {
      streamName: this.prefix,
      streamMode: onDemand ? StreamMode.ON_DEMAND : StreamMode.PROVISIONED,
      ...(onDemand ? {} : { shardCount: settings.stream.shards }),
      retentionPeriod: Duration.hours(settings.stream.retention_hours),
      encryption: StreamEncryption.KMS,
      encryptionKey: key,
      removalPolicy,
    });
    new CfnOutput(this, 'StreamName', { value: this.stream.streamName });
    const table = (id: string, tableName: string, partitionKey: string) =>
      new Table(this, id, {
        tableName,
        partitionKey: { name: partitionKey, type: AttributeType.STRING },
        billingMode: BillingMode.PAY_PER_REQUEST,
        // No line of a log is in them; with the account's own key of DynamoDB no program needs rights of KMS for it.
        encryption: TableEncryption.AWS_MANAGED,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: settings.keep_data,
        removalPolicy,
      });
    // Made here, so that no program needs the right to make tables. Names and keys are the consumer's.
    this.leases = table('Leases', this.prefix, 'leaseKey');
    this.locks = table('Locks', `${this.prefix}_locks`, 'name');
  }
}
