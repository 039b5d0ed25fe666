import { Fn, RemovalPolicy } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService as Gateway,
  InterfaceVpcEndpointAwsService as Interface,
  IpAddresses,
  type ISecurityGroup,
  type ISubnet,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';
import { PartStack } from './stack.ts';

/** What the tasks speak to; each costs by zone and hour, so that only those are here that are used. */
const interfaceServices = {
  kinesis: Interface.KINESIS_STREAMS,
  logs: Interface.CLOUDWATCH_LOGS,
  ecr: Interface.ECR,
  ecrDocker: Interface.ECR_DOCKER,
  secrets: Interface.SECRETS_MANAGER,
};

/**
 * A network over three zones. Its subnets have no way in from the internet; public ones exist only when a load
 * balancer or a NAT gateway has to stand in them.
 */
export class NetworkStack extends PartStack {
  readonly vpc: Vpc;
  readonly cluster: Cluster;

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Network', settings, 'VPC over three zones, endpoints of AWS, cluster');
    const { nat_gateways: natGateways, cidr } = settings.network;
    const isPublic = natGateways > 0 || settings.search_api.public || settings.gateway?.public === true;
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(cidr),
      maxAzs: 3,
      natGateways,
      subnetConfiguration: [
        {
          name: 'inside',
          subnetType: natGateways > 0 ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED,
          cidrMask: 22,
        },
        // Load balancers and NAT gateways only: nothing gets a public address by itself.
        ...(isPublic
          ? [{ name: 'edge', subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false }]
          : []),
      ],
    });
    this.#flowLog();
    this.#endpoints();
    this.cluster = new Cluster(this, 'Cluster', {
      vpc: this.vpc,
      clusterName: this.prefix,
      // Counts of running tasks, which alarms look at.
      containerInsightsV2: ContainerInsights.ENABLED,
    });
  }

  /** Subnets without a way in from the internet. */
  get inside(): ISubnet[] {
    return this.vpc.isolatedSubnets.length > 0 ? this.vpc.isolatedSubnets : this.vpc.privateSubnets;
  }

  /** Where load balancers stand, and their addresses come from. */
  balancerSubnets(isPublic: boolean): ISubnet[] {
    return isPublic ? this.vpc.publicSubnets : this.inside;
  }

  /** Of any region, without asking an account: zones are chosen when the stack is deployed. */
  override get availabilityZones(): string[] {
    return this.settings.network.zones ?? [0, 1, 2].map((i) => Fn.select(i, Fn.getAzs()));
  }

  #flowLog(): void {
    const logGroup = new LogGroup(this, 'FlowLog', {
      retention: this.settings.log_days as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc.addFlowLog('Flows', { destination: FlowLogDestination.toCloudWatchLogs(logGroup) });
  }

  #endpoints(): void {
    const group: ISecurityGroup = new SecurityGroup(this, 'EndpointGroup', {
      vpc: this.vpc,
      description: 'Endpoints of AWS services',
      allowAllOutbound: false,
    });
    group.addIngressRule(Peer.ipv4(this.settings.network.cidr), Port.tcp(443), 'HTTPS from the VPC');
    this.vpc.addGatewayEndpoint('S3', { service: Gateway.S3 });
    this.vpc.addGatewayEndpoint('Dynamo', { service: Gateway.DYNAMODB });
    const services = {
      ...interfaceServices,
      ...(this.settings.stream.autoscale === undefined ? {} : { metrics: Interface.CLOUDWATCH_MONITORING }),
      ...(this.settings.search_api.alert_topics.length > 0 ? { sns: Interface.SNS } : {}),
    };
    for (const [name, service] of Object.entries(services))
      this.vpc.addInterfaceEndpoint(name, { service, securityGroups: [group], open: false });
  }
}
