import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** Requests to a domain; what is behind the paths is decided inside of it, by the mapped role. */
export const httpRequests = [
  'es:ESHttpDelete',
  'es:ESHttpGet',
  'es:ESHttpHead',
  'es:ESHttpPost',
  'es:ESHttpPut',
];

const allow = (actions: string[], resources: string[]) => new PolicyStatement({ actions, resources });

/** An agent, and the gateway: `kinesis_streams`. */
export function toStream(stream: string, key: string): PolicyStatement[] {
  return [allow(['kinesis:PutRecords'], [stream]), allow(['kms:GenerateDataKey'], [key])];
}

/** `<spill>`: what an agent could not send in time goes to the archive. */
export function toSpill(bucket: string, key: string): PolicyStatement[] {
  return [allow(['s3:PutObject'], [`${bucket}/archive/*/spill/*`]), allow(['kms:GenerateDataKey'], [key])];
}

/** The KCL with polling (`stream.fan_out` false), and `replay --to-stream`, which is not given here. */
export function fromStream(stream: string, key: string): PolicyStatement[] {
  return [
    allow(
      [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
      ],
      [stream],
    ),
    allow(['kms:Decrypt'], [key]),
  ];
}

/** The KCL's leases and the fleet's locks. Both tables are there: nobody makes or deletes one. */
export function leaseTables(leases: string, locks: string): PolicyStatement[] {
  return [
    allow(
      [
        'dynamodb:DeleteItem',
        'dynamodb:DescribeTable',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Scan',
        'dynamodb:UpdateItem',
      ],
      [leases],
    ),
    allow(
      ['dynamodb:DeleteItem', 'dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
      [locks],
    ),
  ];
}

/** `millrace shards auto --apply`: the stream's load, how it is read, its shards. */
export function scaleShards(stream: string, leases: string, key: string): PolicyStatement[] {
  return [
    allow(
      [
        'kinesis:AddTagsToStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
        'kinesis:ListTagsForStream',
        'kinesis:MergeShards',
        'kinesis:SplitShard',
        'kinesis:UpdateShardCount',
      ],
      [stream],
    ),
    allow(['dynamodb:Scan'], [leases]),
    allow(['kms:Decrypt'], [key]),
    // Of the account: neither knows a resource.
    allow(['cloudwatch:GetMetricData', 'kinesis:DescribeLimits'], ['*']),
  ];
}

/** What the consumer writes; nothing of it is ever deleted. Completing an upload is PutObject too. */
export function writeArchive(bucket: string, key: string): PolicyStatement[] {
  const written = ['archive', 'manifests', 'ndjson', 'rules', 'set-aside'].map(
    (folder) => `${bucket}/${folder}/*`,
  );
  return [
    ...readArchive(bucket, key),
    allow(['s3:AbortMultipartUpload', 's3:PutObject'], written),
    allow(['s3:ListBucketMultipartUploads'], [bucket]),
    allow(['kms:GenerateDataKey'], [key]),
  ];
}

export function readArchive(bucket: string, key: string): PolicyStatement[] {
  return [
    allow(['s3:GetObject'], [`${bucket}/*`]),
    allow(['s3:ListBucket'], [bucket]),
    allow(['kms:Decrypt'], [key]),
  ];
}

/** Manifests are a cache: the next reader is faster when this one may write it. */
export function writeManifests(bucket: string, key: string): PolicyStatement[] {
  return [allow(['s3:PutObject'], [`${bucket}/manifests/*`]), allow(['kms:GenerateDataKey'], [key])];
}

/** Topics that alerts may tell, and keys of KMS that encrypt these. */
export function tellTopics(topics: string[], keys: string[]): PolicyStatement[] {
  if (topics.length === 0) return [];
  return [allow(['sns:Publish'], topics), ...keysBy('sns', ['kms:Decrypt', 'kms:GenerateDataKey'], keys)];
}

/** Keys that are not ours: only by way of the service whose things they encrypt. */
export function keysBy(service: string, actions: string[], keys: string[]): PolicyStatement[] {
  return keys.map((key) => {
    // A key serves its own region alone: arn:aws:kms:REGION:…
    const via = `${service}.${key.split(':')[3]}.${Aws.URL_SUFFIX}`;
    const conditions = { StringEquals: { 'kms:ViaService': via } };
    return new PolicyStatement({ actions, resources: [key], conditions });
  });
}
