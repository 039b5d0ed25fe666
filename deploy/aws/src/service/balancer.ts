import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
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
  /** Networks that reach it; empty: the VPC, or everybody where it is public. */
  from: string[];
  /** Undefined: HTTP. */
  certificateArn: string | undefined;
  idle: Duration;
  /** Requests of one address in five minutes; more are refused by WAF, where it is public. */
  requestsMax: number;
}

export interface Balancer {
  balancer: ApplicationLoadBalancer;
  listener: ApplicationListener;
  group: SecurityGroup;
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
  const open = options.public ? ['0.0.0.0/0'] : [network.settings.network.cidr];
  for (const cidr of options.from.length > 0 ? options.from : open)
    group.addIngressRule(Peer.ipv4(cidr), Port.tcp(port), 'who may ask');
  const balancer = new ApplicationLoadBalancer(stack, 'Balancer', {
    vpc: network.vpc,
    vpcSubnets: { subnets: options.public ? network.vpc.publicSubnets : network.inside },
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
  if (options.public) protectByWaf(stack, balancer, options.requestsMax);
  return { balancer, listener, group };
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
  const { log_days: days, keep_data: keep } = stack.settings;
  return new Bucket(stack, 'Requests', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    // Log delivery of load balancers knows no other.
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    lifecycleRules: [
      { expiration: Duration.days(days), abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ],
    removalPolicy: keep ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
  });
}
