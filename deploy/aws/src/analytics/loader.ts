import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { ManagedPolicy, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import type { PartStack } from '../stacks/stack.ts';
import { loaderCode } from './loader-code.ts';
import { copyRights, loaderRights } from './rights.ts';

export interface LoaderOptions {
  redshift: NonNullable<NonNullable<Settings['analytics']>['redshift']>;
  bucket: IBucket;
  /** What tells of new objects. */
  queue: IQueue;
  key: IKey;
}

/** A function that loads new objects into a warehouse, as docs/analytics.md has it; it is in no network of ours. */
export class Loader extends Construct {
  readonly logGroup: LogGroup;

  constructor(stack: PartStack, id: string, { redshift, bucket, queue, key }: LoaderOptions) {
    super(stack, id);
    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/millrace/${stack.settings.stage}/redshift-loader`,
      encryptionKey: key,
      retention: stack.settings.log_days as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: 'Millrace: loads the archive into Redshift',
    });
    const rights = new Policy(this, 'Rights', {
      roles: [role],
      statements: [
        ...loaderRights(redshift, bucket.bucketArn, queue.queueArn, key.keyArn),
        new PolicyStatement({
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [this.logGroup.logGroupArn],
        }),
      ],
    });
    const lambda = new Lambda(this, 'Function', {
      description: 'Loads new objects of the archive into Redshift',
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: loaderCode(),
      // CDK would add rights of its own, wider than these.
      role: role.withoutPolicyUpdates(),
      logGroup: this.logGroup,
      timeout: Duration.minutes(5),
      memorySize: 256,
      environment: environmentOf(redshift, bucket),
    });
    const source = new EventSourceMapping(this, 'Source', {
      target: lambda,
      eventSourceArn: queue.queueArn,
      batchSize: 100,
      maxBatchingWindow: Duration.minutes(1),
      // Loads wait for one another.
      maxConcurrency: 2,
      reportBatchItemFailures: true,
    });
    // Lambda tries the queue when it is told of it.
    source.node.addDependency(rights);
    const copy = new ManagedPolicy(this, 'Copy', {
      managedPolicyName: `${stack.prefix}-copy-${stack.region}`,
      description: 'Millrace: Redshift reads what it is to load',
      statements: copyRights(bucket.bucketArn, key.keyArn),
    });
    new CfnOutput(stack, 'CopyPolicy', { value: copy.managedPolicyArn });
    new CfnOutput(stack, 'DatabaseUser', { value: `IAMR:${role.roleName}` });
  }
}

function environmentOf(redshift: LoaderOptions['redshift'], bucket: IBucket): Record<string, string> {
  return {
    MILLRACE_BUCKET: bucket.bucketName,
    MILLRACE_COPY_ROLE_ARN: redshift.copy_role_arn,
    MILLRACE_DATABASE: redshift.database,
    MILLRACE_SCHEMA: redshift.schema,
    ...(redshift.workgroup_arn === undefined ? {} : { MILLRACE_WORKGROUP: redshift.workgroup_arn }),
    ...(redshift.cluster === undefined ? {} : { MILLRACE_CLUSTER: redshift.cluster }),
  };
}
