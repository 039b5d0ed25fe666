import { Duration } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { type FargateTaskDefinition, PropagatedTagSource } from 'aws-cdk-lib/aws-ecs';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { EcsTask } from 'aws-cdk-lib/aws-events-targets';
import type { NetworkStack } from '../stacks/network.ts';
import type { PartStack } from '../stacks/stack.ts';

interface ScheduleOptions {
  network: NetworkStack;
  task: FargateTaskDefinition;
  everyMinutes: number;
  /** What for, for people. */
  description: string;
}

/** Starts a task again and again, inside of the network. A start that could not be had is not made up for later. */
export function runEvery(stack: PartStack, name: string, options: ScheduleOptions): void {
  const { network, task, everyMinutes, description } = options;
  new Rule(stack, 'Often', {
    description,
    schedule: Schedule.rate(Duration.minutes(everyMinutes)),
    targets: [
      new EcsTask({
        cluster: network.cluster,
        taskDefinition: task,
        subnetSelection: { subnets: network.inside },
        securityGroups: [
          new SecurityGroup(stack, 'Group', { vpc: network.vpc, description: `${name}: nothing comes in` }),
        ],
        assignPublicIp: false,
        propagateTags: PropagatedTagSource.TASK_DEFINITION,
        maxEventAge: Duration.minutes(everyMinutes),
        retryAttempts: 3,
      }),
    ],
  });
}
