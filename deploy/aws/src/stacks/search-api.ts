import { CfnOutput, Duration } from 'aws-cdk-lib';
import { Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { ApplicationProtocol, type ApplicationTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type Balancer, balancerOf } from '../service/balancer.ts';
import { serviceOf } from '../service/fargate-service.ts';
import { folders } from '../service/image-layout.ts';
import { readArchive, tellTopics } from '../service/rights.ts';
import { scaledByCpu, scaleOut } from '../service/scaling.ts';
import { searchFiles, searchIdleSeconds, searchPort } from '../service/search-config.ts';
import { storeAccess } from '../service/store-access.ts';
import { taskOf } from '../service/task.ts';
import type { Settings } from '../settings/schema.ts';
import type { Parts } from './parts.ts';
import { PartStack } from './stack.ts';

/** The search API and its page behind a load balancer, which is inside of the VPC unless the settings say otherwise. */
export class SearchApiStack extends PartStack {
  readonly service: FargateService;
  readonly logGroup: LogGroup;
  readonly targets: ApplicationTargetGroup;
  readonly balancer: Balancer;

  constructor(scope: Construct, settings: Settings, parts: Parts) {
    super(scope, 'SearchApi', settings, 'search API and page');
    const { network, access, archive } = parts;
    const { search_api: search } = settings;
    const { store, secrets, rights } = storeAccess(settings, parts.store);
    const proxies = network.balancerSubnets(search.public).map(({ ipv4CidrBlock }) => ipv4CidrBlock);
    const written = searchFiles(settings, archive.bucket.bucketName, store, proxies);
    const { task, logGroup } = taskOf(this, 'SearchApi', {
      name: 'search-api',
      image: 'search-api',
      images: parts.images,
      key: access.key,
      role: access.searchApi,
      rights: [
        ...readArchive(archive.bucket.bucketArn, access.key.keyArn),
        ...tellTopics(search.alert_topics, search.alert_topic_key_arns),
        ...rights,
      ],
      cpu: search.cpu,
      memoryMb: search.memory_mb,
      files: written.files,
      secrets: { ...secrets, ...written.secrets },
      command: ['run', '--config', `${folders.files}/search-api.json`],
      ports: [searchPort],
      health: `http://127.0.0.1:${searchPort}/healthz`,
    });
    this.logGroup = logGroup;
    const group = new SecurityGroup(this, 'Group', { vpc: network.vpc, description: 'Search API' });
    this.balancer = balancerOf(this, {
      name: 'search-api',
      network,
      public: search.public,
      from: search.from,
      certificateArn: search.certificate_arn,
      idle: Duration.seconds(searchIdleSeconds),
      requestsMax: 6_000,
      countsAttacks: true,
    });
    this.service = serviceOf(this, {
      name: 'search-api',
      network,
      task,
      group,
      grace: Duration.minutes(2),
    });
    this.balancer.group.addEgressRule(group, Port.tcp(searchPort), 'to the search API');
    group.addIngressRule(this.balancer.group, Port.tcp(searchPort), 'from the load balancer');
    this.targets = this.balancer.listener.addTargets('Tasks', {
      port: searchPort,
      protocol: ApplicationProtocol.HTTP,
      targets: [this.service],
      healthCheck: { path: '/healthz', interval: Duration.seconds(15) },
      // What runs is asked to end after five seconds anyway.
      deregistrationDelay: Duration.seconds(15),
    });
    const count = scaledByCpu(this.service, search);
    // Seconds until a task begins to answer; searches have ten.
    const latency = this.targets.metrics.targetResponseTime({
      statistic: 'p90',
      period: Duration.minutes(1),
    });
    scaleOut(count, 'Slow', latency, [
      [2, 25],
      [5, 50],
    ]);
    new CfnOutput(this, 'Address', { value: this.balancer.balancer.loadBalancerDnsName });
  }
}
