import type { Duration } from 'aws-cdk-lib';
import type { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { FargateService, type FargateTaskDefinition, PropagatedTagSource } from 'aws-cdk-lib/aws-ecs';
import type { NetworkStack } from '../stacks/network.ts';
import type { PartStack } from '../stacks/stack.ts';

export interface ServiceOptions {
  name: string;
  network: NetworkStack;
  task: FargateTaskDefinition;
  /** Whom its tasks let in. */
  group: SecurityGroup;
  /** How long a load balancer's opinion of a new task does not count; absent where none asks. */
  grace?: Duration;
}

/** Tasks inside of the VPC, which are replaced by new ones first, and by the old ones when those do not start. */
export function serviceOf(stack: PartStack, options: ServiceOptions): FargateService {
  const { name, network, task, group, grace } = options;
  return new FargateService(stack, 'Service', {
    cluster: network.cluster,
    serviceName: `${stack.prefix}-${name}`,
    taskDefinition: task,
    vpcSubnets: { subnets: network.inside },
    securityGroups: [group],
    assignPublicIp: false,
    propagateTags: PropagatedTagSource.SERVICE,
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    ...(grace === undefined ? {} : { healthCheckGracePeriod: grace }),
    circuitBreaker: { rollback: true },
    enableExecuteCommand: false,
  });
}
