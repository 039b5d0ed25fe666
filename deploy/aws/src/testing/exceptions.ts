/**
 * What linters of templates say and we do otherwise, each with its reason. A test holds the list to what they say:
 * a finding that is not here fails, and so does a line that nothing is found for any more.
 */
export interface Exception {
  /** Beginning of the rule's name, with what it found in brackets. */
  rule: string;
  /** Of the construct, below its stack: `Consumer/ConsumerRights`. */
  where: RegExp;
  reason: string;
}

const objects = 'names of objects hold hours and sequence numbers: only folders of the bucket can be named';

export const exceptions: Exception[] = [
  {
    rule: 'AwsSolutions-KDS3',
    where: /^Stream\/Stream\//,
    reason:
      'its own key, so that a policy decides who may decrypt; the one of AWS is for everybody in the account',
  },
  {
    rule: 'AwsSolutions-OS3',
    where: /^Store\/Domain$/,
    reason: 'addresses cannot be named in the policy of a domain inside of a VPC: the security group does it',
  },
  {
    rule: 'AwsSolutions-OS4',
    where: /^Store\/Domain$/,
    reason: 'dev alone: three small data nodes elect a master among themselves',
  },
  {
    rule: 'AwsSolutions-ECS2',
    where: /^(Consumer|SearchApi|Ledger|Gateway|Shards)\/\w+Task\//,
    reason: 'configuration, whose secrets are references to Secrets Manager; see rights.test.ts',
  },
  {
    rule: 'AwsSolutions-EC23',
    where: /^Gateway\/BalancerGroup\//,
    reason: 'the way in for devices and browsers anywhere, behind WAF and API keys; gateway.from narrows it',
  },
  {
    rule: 'AwsSolutions-S1',
    where: /^(SearchApi|Gateway)\/Requests\//,
    reason: 'it holds access logs itself, those of the load balancer',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    where: /^(Consumer|SearchApi|Ledger|Gateway|Shards)\/\w+StartRights\//,
    reason: 'ecr:GetAuthorizationToken has no narrower resource',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    where: /^Shards\/ShardsRights\//,
    reason:
      'limits of the account and metrics: kinesis:DescribeLimits and cloudwatch:GetMetricData know no resource',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    where: /^Store\/MapRolesRights\//,
    reason: 'network interfaces of a Lambda inside of a VPC: EC2 has no narrower resource for these actions',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::Millrace-',
    where: /^(Consumer|SearchApi|Ledger)\/\w+Rights\/|^Fleet\/Agent\//,
    reason: `${objects}; paths of a domain are decided by the mapped role inside of it`,
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:es:',
    where: /^Store\/MapRolesRights\//,
    reason: 'each role is a path of its own below the security API',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:',
    where: /^(Ledger|Shards)\/\w+Task\/EventsRole\//,
    reason: 'tasks are named when they start: those of this cluster',
  },
  {
    rule: 'AwsSolutions-S1',
    where: /^Analytics\/Results\//,
    reason: 'answers of Athena, which are deleted after a week; Athena and CloudTrail say who asked',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    where: /^Analytics\/Loader\/Rights\//,
    reason: 'statements of the Data API are no resources: a condition says that they are its own',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::*]',
    where: /^Analytics\/Reports\//,
    reason: 'lists of catalogs, engines and workgroups are of the account: Athena has no narrower resource',
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::Millrace-',
    where: /^Analytics\/(Loader\/(Rights|Copy)|Reports)\//,
    reason: objects,
  },
  {
    rule: 'AwsSolutions-IAM5[Resource::<Results',
    where: /^Analytics\/Reports\//,
    reason: "names of answers are the queries' ids",
  },
];
