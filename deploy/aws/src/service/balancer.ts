import { Aws, Duration } from 'aws-cdk-lib';
import { Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  type ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { NetworkStack } from '../stacks/network.ts';
import type { PartStack } from '../stacks/stack.ts';
import { protectByWaf } from './waf.ts';

export interface BalancerOptions {
  name: string;
  network: NetworkStack;
  public: boolean;
  /** Networks that reach it: besides the VPC; in place of everybody where it is public. */
  from: string[];
  /** Undefined: HTTP. */
  certificateArn: string | undefined;
  idle: Duration;
  /** Requests of one address in five minutes; more are refused by WAF, where it is public. */
  requestsMax: number;
  /** WAF counts requests that look like an attack. It looks into bodies for that, and refuses none. */
  countsAttacks: boolean;
}

export interface Balancer {
  balancer: ApplicationLoadBalancer;
  listener: ApplicationListener;
  group: SecurityGroup;
  /** Its name in metrics of WAF; undefined: there is none. */
  firewall: string | undefined;
}

/** A load balancer: the only thing that anybody outside of the VPC can reach, and only where it is public. */
export function balancerOf(stack: PartStack, options: BalancerOptions): Balancer {
  const { network, certificateArn } = options;
  const group = new SecurityGroup(stack, 'BalancerGroup', {
    vpc: network.vpc,
    description: `Load balancer of ${options.name}`,
    allowAllOutbound: false,
  });
  const port = certificateArn === undefined ? 80 : 443;
  for (const cidr of allowed(options)) group.addIngressRule(Peer.ipv4(cidr), Port.tcp(port), 'who may ask');
  const balancer = new ApplicationLoadBalancer(stack, 'Balancer', {
    vpc: network.vpc,
    vpcSubnets: { subnets: network.balancerSubnets(options.public) },
    internetFacing: options.public,
    securityGroup: group,
    idleTimeout: options.idle,
    dropInvalidHeaderFields: true,
    deletionProtection: stack.settings.keep_data && stack.settings.stage === 'prod',
  });
  logRequests(balancer, requestsBucket(stack));
  const listener = balancer.addListener('Listener', {
    port,
    open: false,
    ...(certificateArn === undefined
      ? { protocol: ApplicationProtocol.HTTP }
      : {
          protocol: ApplicationProtocol.HTTPS,
          certificates: [{ certificateArn }],
          sslPolicy: SslPolicy.TLS13_RES,
        }),
  });
  const firewall = options.public ? protectByWaf(stack, balancer, options) : undefined;
  return { balancer, listener, group, firewall };
}

function allowed({ public: isPublic, from, network }: BalancerOptions): string[] {
  if (!isPublic) return [...new Set([network.settings.network.cidr, ...from])];
  return from.length > 0 ? from : ['0.0.0.0/0'];
}

/** `logAccessLogs` wants to know the region; the service that writes is the same in all. */
function logRequests(balancer: ApplicationLoadBalancer, bucket: Bucket): void {
  bucket.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects(`AWSLogs/${Aws.ACCOUNT_ID}/*`)],
    }),
  );
  balancer.setAttribute('access_logs.s3.enabled', 'true');
  balancer.setAttribute('access_logs.s3.bucket', bucket.bucketName);
  // A balancer that may not write there is refused.
  if (bucket.policy !== undefined) balancer.node.addDependency(bucket.policy);
}

function requestsBucket(stack: PartStack): Bucket {
  return new Bucket(stack, 'Requests', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    // Log delivery of load balancers knows no other.
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    lifecycleRules: [
      {
        expiration: Duration.days(stack.settings.log_days),
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
    ],
    ...stack.bucketRemoval,
  });
}
