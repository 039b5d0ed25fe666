import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Settings } from '../settings/schema.ts';

type Redshift = NonNullable<NonNullable<Settings['analytics']>['redshift']>;

const allow = (actions: string[], resources: string[]) => new PolicyStatement({ actions, resources });
const here = `${Aws.REGION}:${Aws.ACCOUNT_ID}`;

/** The loader: what a queue tells of, into the warehouse. */
export function loaderRights(
  redshift: Redshift,
  bucket: string,
  queue: string,
  key: string,
): PolicyStatement[] {
  return [
    // Lambda polls the queue by the role of the function.
    allow(['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'], [queue]),
    allow(['s3:PutObject'], [`${bucket}/loads/*`]),
    allow(['kms:Decrypt', 'kms:GenerateDataKey'], [key]),
    ...warehouseRights(redshift),
  ];
}

/** Statements of its own, as a user of the database that is made of its role: no password. */
export function warehouseRights({ workgroup_arn, cluster, database }: Redshift): PolicyStatement[] {
  const warehouse = workgroup_arn ?? `arn:${Aws.PARTITION}:redshift:${here}:cluster:${cluster}`;
  return [
    allow(['redshift-data:BatchExecuteStatement'], [warehouse]),
    new PolicyStatement({
      actions: [
        'redshift-data:DescribeStatement',
        'redshift-data:GetStatementResult',
        'redshift-data:ListStatements',
      ],
      // A statement is no resource; its owner is a condition.
      resources: ['*'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IAM
      conditions: { StringEquals: { 'redshift-data:statement-owner-iam-userid': '${aws:userid}' } },
    }),
    workgroup_arn === undefined
      ? allow(
          ['redshift:GetClusterCredentialsWithIAM'],
          [`arn:${Aws.PARTITION}:redshift:${here}:dbname:${cluster}/${database}`],
        )
      : allow(['redshift-serverless:GetCredentials'], [workgroup_arn]),
  ];
}

/** COPY, by a role of the warehouse. */
export function copyRights(bucket: string, key: string): PolicyStatement[] {
  return [
    allow(['s3:GetObject'], [`${bucket}/ndjson/*`, `${bucket}/loads/*`]),
    allow(['s3:ListBucket'], [bucket]),
    allow(['kms:Decrypt'], [key]),
  ];
}

/** Somebody who asks Athena: the events of the archive, and the answers of everybody who asks here. */
export function reportRights(asked: {
  bucket: string;
  results: string;
  key: string;
  workGroup: string;
  database: string;
  table: string;
}): PolicyStatement[] {
  const { bucket, results, key, workGroup, database, table } = asked;
  const glue = `arn:${Aws.PARTITION}:glue:${here}`;
  return [
    allow(
      [
        'athena:GetQueryExecution',
        'athena:GetQueryResults',
        'athena:GetWorkGroup',
        'athena:StartQueryExecution',
        'athena:StopQueryExecution',
      ],
      [`arn:${Aws.PARTITION}:athena:${here}:workgroup/${workGroup}`],
    ),
    allow(
      ['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable', 'glue:GetTables'],
      [`${glue}:catalog`, `${glue}:database/${database}`, `${glue}:table/${database}/${table}`],
    ),
    allow(['s3:GetObject'], [`${bucket}/ndjson/*`, `${results}/*`]),
    allow(['s3:AbortMultipartUpload', 's3:PutObject'], [`${results}/*`]),
    allow(['s3:GetBucketLocation', 's3:ListBucket'], [bucket, results]),
    allow(['kms:Decrypt', 'kms:GenerateDataKey'], [key]),
  ];
}
