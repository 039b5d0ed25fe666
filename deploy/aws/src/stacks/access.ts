import { Aws } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnResourcePolicy } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import { domainArn, domainLogs } from '../store/domain-names.ts';
import { PartStack } from './stack.ts';

/**
 * The key, and a role for each program. Roles are made before what they are for, because the domain's policy names
 * them; what each may do stands with the service it belongs to.
 */
export class AccessStack extends PartStack {
  readonly key: Key;
  readonly consumer: Role;
  readonly searchApi: Role;
  readonly ledger: Role;
  readonly gateway: Role | undefined;
  readonly shards: Role | undefined;
  /** Maps the others to roles of the domain; nothing else uses it. Undefined with a store that is there already. */
  readonly storeAdmin: Role | undefined;

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Access', settings, 'key and roles');
    this.key = this.#key();
    this.consumer = this.#taskRole('Consumer', 'reads the stream, writes archive and store');
    this.searchApi = this.#taskRole('SearchApi', 'reads archive and store');
    this.ledger = this.#taskRole('Ledger', 'compares archive and store');
    this.gateway = settings.gateway && this.#taskRole('Gateway', 'writes to the stream');
    this.shards = settings.stream.autoscale && this.#taskRole('Shards', 'changes the shards of the stream');
    this.storeAdmin =
      settings.store.existing === undefined
        ? new Role(this, 'StoreAdmin', {
            assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
            description: 'Millrace: maps roles inside of the search domain, when it is deployed',
          })
        : undefined;
    if (this.storeAdmin !== undefined) this.#domainLogs();
  }

  /**
   * The right of the domain to write its logs, without which it is refused. It takes a while to spread, for which
   * CloudFormation does not wait, and so it is not made in the domain's own stack.
   */
  #domainLogs(): void {
    const groups = Object.values(domainLogs(this.settings.stage));
    new CfnResourcePolicy(this, 'DomainLogs', {
      policyName: `${this.prefix}-store-logs`,
      policyDocument: this.toJsonString({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'es.amazonaws.com' },
            Action: ['logs:PutLogEvents', 'logs:CreateLogStream'],
            Resource: groups.map(
              (name) => `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:${name}:*`,
            ),
            Condition: {
              StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
              ArnLike: { 'aws:SourceArn': domainArn(this.prefix) },
            },
          },
        ],
      }),
    });
  }

  #taskRole(name: string, does: string): Role {
    return new Role(this, name, {
      // Only tasks of this account: the service cannot be talked into using it for another.
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: { 'aws:SourceArn': `arn:${Aws.PARTITION}:ecs:${Aws.REGION}:${Aws.ACCOUNT_ID}:*` },
        },
      }),
      description: `Millrace: ${does}`,
    });
  }

  #key(): Key {
    const key = new Key(this, 'Key', {
      alias: `alias/${this.prefix}`,
      description: 'Millrace: stream, tables, archive, domain, logs, alarms',
      enableKeyRotation: true,
      removalPolicy: this.dataRemoval,
    });
    const logs = `logs.${Aws.REGION}.amazonaws.com`;
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Logs',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal(logs)],
        // As AWS wants them (docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html): with less it may refuse.
        actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
        resources: ['*'],
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:/millrace/${this.settings.stage}/*`,
          },
        },
      }),
    );
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Alarms',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    if (this.settings.analytics?.redshift !== undefined)
      key.addToResourcePolicy(
        new PolicyStatement({
          sid: 'NewObjects',
          effect: Effect.ALLOW,
          // S3 writes into the queue of the loader.
          principals: [new ServicePrincipal('s3.amazonaws.com')],
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: ['*'],
          conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
        }),
      );
    return key;
  }
}
