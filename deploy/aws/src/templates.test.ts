import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { Template as Assertions, Match } from 'aws-cdk-lib/assertions';
import { resolved } from './testing/resolve.ts';
import { type Resource, type Template, templatesOf, type Variant, variants } from './testing/synth.ts';

const all = {} as Record<Variant, Record<string, Template>>;
before((t) => {
  for (const variant of Object.keys(variants) as Variant[])
    all[variant] = templatesOf(t as TestContext, variant);
});

const part = (variant: Variant, name: string) => Assertions.fromJSON(all[variant][name] ?? {});

function resources(variant: Variant, type: string): Resource[] {
  return Object.values(all[variant]).flatMap(({ Resources }) =>
    Object.values(Resources).filter(({ Type }) => Type === type),
  );
}

test('each concern is a stack, gateway, shards and analytics only where they are asked for', () => {
  const parts = ['Access', 'Alarms', 'Archive', 'Consumer', 'Fleet', 'Images', 'Ledger', 'Network'];
  const rest = ['SearchApi', 'Store', 'Stream'];
  for (const variant of ['dev', 'qa', 'prod'] as const)
    assert.deepEqual(Object.keys(all[variant]).sort(), [...parts, ...rest]);
  assert.ok(all.public.Gateway);
  assert.ok(all.public.Shards);
  assert.ok(all.public.Analytics);
  assert.equal(all.public.Store, undefined);
});

test('S3 tells a queue of new NDJSON objects, which comes back from the loader thirty times, and then waits aside', () => {
  const archive = part('public', 'Archive');
  archive.hasResource('AWS::S3::Bucket', {
    // S3 tries the queue when it is told of it.
    DependsOn: Match.arrayWith([Match.stringLikeRegexp('^NewObjectsPolicy')]),
    Properties: {
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            Event: 's3:ObjectCreated:*',
            Filter: {
              S3Key: {
                Rules: [
                  { Name: 'prefix', Value: 'ndjson/' },
                  { Name: 'suffix', Value: '.ndjson.gz' },
                ],
              },
            },
          },
        ],
      },
    },
  });
  archive.allResourcesProperties('AWS::SQS::Queue', {
    KmsMasterKeyId: Match.anyValue(),
    MessageRetentionPeriod: 14 * 86_400,
  });
  archive.hasResourceProperties('AWS::SQS::Queue', {
    VisibilityTimeout: 31 * 60,
    RedrivePolicy: { maxReceiveCount: 30 },
  });
  part('public', 'Access').hasResourceProperties('AWS::KMS::Key', {
    KeyPolicy: {
      Statement: Match.arrayWith([
        Match.objectLike({ Principal: { Service: 's3.amazonaws.com' }, Sid: 'NewObjects' }),
      ]),
    },
  });
  part('public', 'Analytics').hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 60,
    ScalingConfig: { MaximumConcurrency: 2 },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
});

test('nothing of analytics is there where nobody asked for it', () => {
  for (const variant of ['dev', 'qa', 'prod'] as const) {
    assert.equal(resources(variant, 'AWS::SQS::Queue').length, 0);
    for (const { Properties } of resources(variant, 'AWS::S3::Bucket'))
      assert.equal(Properties.NotificationConfiguration, undefined);
  }
});

test('alarms ring for objects that are not loaded, that wait, and for lines that are left out', () => {
  const { Resources = {} } = all.public.Alarms ?? {};
  const names = Object.values(Resources).map(({ Properties }) => Properties.AlarmName);
  for (const name of ['loads-dead', 'loads-failing', 'loads-late', 'lines-refused'])
    assert.ok(names.includes(`millrace-prod-${name}`), name);
});

test('nothing can be reached from outside: no way into the internet but where the settings ask for one', () => {
  for (const variant of ['dev', 'qa', 'prod'] as const) {
    for (const type of ['InternetGateway', 'NatGateway', 'EIP'])
      assert.equal(resources(variant, `AWS::EC2::${type}`).length, 0, type);
    part(variant, 'SearchApi').hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internal',
    });
    part(variant, 'Network').resourceCountIs('AWS::EC2::Subnet', 3);
  }
});

test('rules of security groups let in the VPC, a load balancer, and to public ones who is named', () => {
  for (const variant of Object.keys(variants) as Variant[])
    for (const { Properties } of resources(variant, 'AWS::EC2::SecurityGroup')) {
      const rules = (Properties.SecurityGroupIngress ?? []) as { CidrIp?: string; FromPort: number }[];
      for (const { CidrIp, FromPort } of rules) {
        const open = CidrIp === '0.0.0.0/0';
        assert.ok(['10.60.0.0/16', '198.51.100.0/24', '0.0.0.0/0'].includes(CidrIp ?? ''), CidrIp);
        assert.equal(FromPort, 443);
        if (open) assert.match(String(Properties.GroupDescription), /^Load balancer of gateway$/);
      }
    }
});

test('no task and no subnet gets a public address', () => {
  for (const variant of Object.keys(variants) as Variant[]) {
    for (const { Properties } of resources(variant, 'AWS::EC2::Subnet'))
      assert.equal(Properties.MapPublicIpOnLaunch, false);
    for (const { Properties } of resources(variant, 'AWS::ECS::Service')) {
      const { AwsvpcConfiguration: network } = Properties.NetworkConfiguration as {
        AwsvpcConfiguration: { AssignPublicIp: string; Subnets: unknown[] };
      };
      assert.equal(network.AssignPublicIp, 'DISABLED');
      assert.equal(network.Subnets.length, 3);
    }
  }
});

test('public load balancers speak TLS, behind a firewall', () => {
  for (const name of ['SearchApi', 'Gateway']) {
    const template = part('public', name);
    template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 1);
    template.allResourcesProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Protocol: 'HTTPS',
      SslPolicy: Match.stringLikeRegexp('TLS13'),
    });
  }
});

test('the stream keeps seven days, and the alarm rings when a quarter of it is unread', () => {
  for (const variant of Object.keys(variants) as Variant[]) {
    part(variant, 'Stream').hasResourceProperties('AWS::Kinesis::Stream', {
      RetentionPeriodHours: 168,
      StreamEncryption: { EncryptionType: 'KMS', KeyId: Match.anyValue() },
    });
    part(variant, 'Alarms').hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: Match.stringLikeRegexp('-iterator-age$'),
      MetricName: 'GetRecords.IteratorAgeMilliseconds',
      Threshold: (7 * 86_400_000) / 4,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  }
  part('prod', 'Stream').hasResourceProperties('AWS::Kinesis::Stream', {
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    ShardCount: Match.absent(),
  });
  part('qa', 'Stream').hasResourceProperties('AWS::Kinesis::Stream', { ShardCount: 2 });
});

test('the archive is private, versioned and encrypted, goes to Glacier, and loses uploads that nobody finishes', () => {
  part('prod', 'Archive').hasResourceProperties('AWS::S3::Bucket', {
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    VersioningConfiguration: { Status: 'Enabled' },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
      ],
    },
    LifecycleConfiguration: {
      Rules: Match.arrayWith([
        Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
        Match.objectLike({
          Prefix: 'archive/',
          Transitions: [
            { StorageClass: 'GLACIER_IR', TransitionInDays: 30 },
            { StorageClass: 'DEEP_ARCHIVE', TransitionInDays: 365 },
          ],
        }),
        Match.objectLike({ Prefix: 'archive/', ExpirationInDays: 2555 }),
      ]),
    },
  });
});

test('the right to write its logs is there long before the domain, which is refused without it', () => {
  for (const variant of ['dev', 'qa', 'prod'] as const) {
    // Within one stack the domain is asked for before the policy has spread.
    part(variant, 'Store').resourceCountIs('AWS::Logs::ResourcePolicy', 0);
    const [policy] = Object.values(part(variant, 'Access').findResources('AWS::Logs::ResourcePolicy'));
    const { Statement } = JSON.parse(String(resolved(policy?.Properties.PolicyDocument)));
    const groups = Object.values(part(variant, 'Store').findResources('AWS::Logs::LogGroup'))
      .map(({ Properties }) => Properties.LogGroupName)
      .filter((name) => name !== undefined);
    assert.equal(groups.length, 3);
    assert.deepEqual(
      Statement[0].Resource,
      groups.map((name) => `arn:aws:logs:eu-west-1:111122223333:log-group:${name}:*`),
    );
  }
  assert.equal(resources('public', 'AWS::Logs::ResourcePolicy').length, 0);
});

test('the domain spans three zones, knows no password, and speaks TLS alone', () => {
  for (const variant of ['dev', 'qa', 'prod'] as const)
    part(variant, 'Store').hasResourceProperties('AWS::OpenSearchService::Domain', {
      ClusterConfig: {
        ZoneAwarenessEnabled: true,
        ZoneAwarenessConfig: { AvailabilityZoneCount: 3 },
        MultiAZWithStandbyEnabled: variant === 'prod',
      },
      EncryptionAtRestOptions: { Enabled: true },
      NodeToNodeEncryptionOptions: { Enabled: true },
      DomainEndpointOptions: { EnforceHTTPS: true },
      AdvancedSecurityOptions: {
        Enabled: true,
        InternalUserDatabaseEnabled: false,
        MasterUserOptions: { MasterUserARN: Match.anyValue(), MasterUserName: Match.absent() },
      },
    });
});

test('with standby each index has three copies, which the domain asks for', () => {
  const configOf = (variant: Variant) =>
    JSON.stringify(
      resources(variant, 'AWS::ECS::TaskDefinition').find(({ Properties }) =>
        String(Properties.Family).endsWith('-consumer'),
      ),
    );
  assert.match(configOf('prod'), /\\"replicas\\":2/);
  assert.doesNotMatch(configOf('qa'), /replicas/);
});

test('consumers grow by CPU at 60 and 80 %, and by iterator age; the search API by CPU and latency', () => {
  const consumer = part('prod', 'Consumer');
  consumer.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 60,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    },
  });
  const starts = (template: Assertions, metric: string, threshold: number) =>
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: metric, Threshold: threshold });
  starts(consumer, 'CPUUtilization', 80);
  starts(consumer, 'GetRecords.IteratorAgeMilliseconds', 60_000);
  starts(part('prod', 'SearchApi'), 'TargetResponseTime', 2);
});

test('the shards of a stream are looked after every five minutes, by the command that people have, one change at a time', () => {
  const shards = part('public', 'Shards');
  shards.hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'rate(5 minutes)',
    Targets: [Match.objectLike({ EcsParameters: Match.objectLike({ LaunchType: 'FARGATE', TaskCount: 1 }) })],
  });
  const metrics = { ServiceName: Match.objectLike({ 'Fn::Join': ['', Match.arrayWith(['.monitoring'])] }) };
  part('public', 'Network').hasResourceProperties('AWS::EC2::VPCEndpoint', metrics);
  part('public', 'Images').hasResourceProperties('AWS::ECR::Repository', {
    RepositoryName: 'millrace-prod/tools',
  });
  part('prod', 'Images').resourceCountIs('AWS::ECR::Repository', 3);
  const counted = (name: string) =>
    Object.values(all.public.Alarms?.Resources ?? {}).find(
      ({ Type, Properties }) =>
        Type === 'AWS::CloudWatch::Alarm' && String(Properties.AlarmName).endsWith(`-${name}`),
    )?.Properties;
  assert.deepEqual(
    [counted('autoscale-fails')?.TreatMissingData, counted('autoscale-fails')?.Period],
    ['breaching', 900],
  );
  assert.equal(counted('autoscale-stuck')?.TreatMissingData, 'notBreaching');
});

test('endpoints are there for all that tasks speak to, and for nothing else', () => {
  const endpoints = (variant: Variant) =>
    resources(variant, 'AWS::EC2::VPCEndpoint')
      .map(({ Properties }) =>
        String(resolved(Properties.ServiceName)).replace('com.amazonaws.eu-west-1.', ''),
      )
      .sort();
  // Images come by ecr.* and S3. KMS is asked by the services; only what changes shards asks for metrics, and roles come from ECS.
  const all = ['dynamodb', 'ecr.api', 'ecr.dkr', 'kinesis-streams', 'logs', 's3', 'secretsmanager'];
  assert.deepEqual(endpoints('prod'), all);
  assert.deepEqual(endpoints('public'), [...all, 'monitoring', 'sns'].sort());
  for (const { Properties } of resources('prod', 'AWS::EC2::VPCEndpoint'))
    if (Properties.VpcEndpointType === 'Interface') assert.equal(Properties.PrivateDnsEnabled, true);
});

test('every alarm tells the topic, when it begins and when it ends, and says what to do', () => {
  for (const variant of Object.keys(variants) as Variant[]) {
    const alarms = Object.values(all[variant].Alarms?.Resources ?? {}).filter(
      ({ Type }) => Type === 'AWS::CloudWatch::Alarm',
    );
    assert.ok(alarms.length > 20);
    for (const { Properties } of alarms) {
      assert.equal((Properties.AlarmActions as unknown[]).length, 1);
      assert.equal((Properties.OKActions as unknown[]).length, 1);
      assert.ok(String(Properties.AlarmDescription).length > 10);
    }
  }
});

test('the dashboard has what consumers count, a graph for each set of fields, and no program may write metrics', () => {
  const dashboard = (variant: Variant) =>
    JSON.stringify(resources(variant, 'AWS::CloudWatch::Dashboard')).replaceAll('\\', '');
  const search = (names: string) => `SEARCH('{"Millrace/prod",${names}} MetricName="events"', 'Sum', 60)`;
  for (const names of ['"tag","status"', '"status"', '"log.level"'])
    assert.ok(dashboard('public').includes(search(names)), names);
  assert.ok(!dashboard('prod').includes('SEARCH'));
  assert.doesNotMatch(JSON.stringify(all.public), /PutMetricData/);
});

test('everything that can have tags says whose part of the bill it is', () => {
  for (const [name, { Resources }] of Object.entries(all.prod))
    for (const { Type, Properties } of Object.values(Resources)) {
      if (!/^AWS::(ECS::Service|Kinesis::Stream|S3::Bucket|OpenSearchService::Domain|EC2::VPC)$/.test(Type))
        continue;
      const tags = Object.fromEntries(
        (Properties.Tags as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]),
      );
      assert.equal(tags['millrace:part'], name);
      assert.equal(tags['millrace:stage'], 'prod');
      assert.equal(tags.team, 'platform');
      // What a task costs is its own: it has its service's tags only when told so.
      if (Type === 'AWS::ECS::Service') assert.equal(Properties.PropagateTags, 'SERVICE');
    }
});

test('another version of the domain is an upgrade of it', () => {
  part('prod', 'Store').hasResource('AWS::OpenSearchService::Domain', {
    UpdatePolicy: { EnableVersionUpgrade: true },
  });
});
