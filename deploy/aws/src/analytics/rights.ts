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
    ...athenaRights(workGroup),
    allow(
      [
        ...['BatchGetPartition', 'GetDatabase', 'GetDatabases', 'GetPartition', 'GetPartitions'],
        ...['GetTable', 'GetTables'],
      ].map((name) => `glue:${name}`),
      [`${glue}:catalog`, `${glue}:database/${database}`, `${glue}:table/${database}/${table}`],
    ),
    // Athena looks at the database of this name too, whatever is asked.
    allow(['glue:GetDatabase', 'glue:GetDatabases'], [`${glue}:database/default`]),
    allow(['s3:GetObject'], [`${bucket}/ndjson/*`, `${results}/*`]),
    allow(['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:PutObject'], [`${results}/*`]),
    allow(['s3:GetBucketLocation', 's3:ListBucket'], [bucket, results]),
    allow(['s3:ListBucketMultipartUploads'], [results]),
    allow(['kms:Decrypt', 'kms:GenerateDataKey'], [key]),
  ];
}

/** Questions, and what the console and the drivers of JDBC and ODBC look up before. Nothing that is saved for others. */
function athenaRights(workGroup: string): PolicyStatement[] {
  const athena = `arn:${Aws.PARTITION}:athena:${here}`;
  const named = (names: string[]) => names.map((name) => `athena:${name}`);
  return [
    allow(
      named([
        ...['BatchGetNamedQuery', 'BatchGetPreparedStatement', 'BatchGetQueryExecution', 'GetNamedQuery'],
        ...['GetPreparedStatement', 'GetQueryExecution', 'GetQueryResults', 'GetQueryResultsStream'],
        ...['GetQueryRuntimeStatistics', 'GetWorkGroup', 'ListNamedQueries', 'ListPreparedStatements'],
        ...['ListQueryExecutions', 'StartQueryExecution', 'StopQueryExecution'],
      ]),
      [`${athena}:workgroup/${workGroup}`],
    ),
    allow(
      named(['GetDataCatalog', 'GetDatabase', 'GetTableMetadata', 'ListDatabases', 'ListTableMetadata']),
      [`${athena}:datacatalog/AwsDataCatalog`],
    ),
    allow(named(['ListDataCatalogs', 'ListEngineVersions', 'ListWorkGroups']), ['*']),
  ];
}
