import { CfnOutput, Duration, Validations } from 'aws-cdk-lib';
import { Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { ApplicationProtocol, ListenerCondition } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { type Balancer, balancerOf } from '../service/balancer.ts';
import { serviceOf } from '../service/fargate-service.ts';
import { gatewayConfig, gatewayIdleSeconds, gatewayPorts } from '../service/gateway-config.ts';
import { folders } from '../service/image-layout.ts';
import { toStream } from '../service/rights.ts';
import { scaledByCpu } from '../service/scaling.ts';
import { taskOf } from '../service/task.ts';
import type { Settings } from '../settings/schema.ts';
import type { Parts } from './parts.ts';
import { PartStack } from './stack.ts';

const ports = [gatewayPorts.http, gatewayPorts.otlp];

/**
 * The agent's HTTP and OTLP inputs for devices and browsers. A request is answered when the stream has its events
 * (`ack stream`): nothing is promised that a task could lose with its disk.
 */
export class GatewayStack extends PartStack {
  readonly service: FargateService;
  readonly balancer: Balancer;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, settings: Settings, parts: Parts) {
    super(scope, 'Gateway', settings, 'HTTP and OTLP inputs for devices and browsers');
    const { gateway } = settings;
    const { network, access, stream } = parts;
    if (gateway === undefined || access.gateway === undefined) throw new Error('a gateway without settings');
    const { task, logGroup } = taskOf(this, 'Gateway', {
      name: 'gateway',
      image: 'agent',
      images: parts.images,
      key: access.key,
      role: access.gateway,
      rights: toStream(stream.stream.streamArn, access.key.keyArn),
      cpu: gateway.cpu,
      memoryMb: gateway.memory_mb,
      files: { 'agent.conf': gatewayConfig(gateway, this.prefix) },
      command: ['run', '--config', `${folders.files}/agent.conf`],
      ports,
      // Not the agent's own: that is red as long as the stream takes nothing, and another task would help nobody.
      health: `http://127.0.0.1:${gatewayPorts.http}/healthz`,
      diskGb: 21,
    });
    this.logGroup = logGroup;
    Validations.of(task).acknowledge({
      id: 'CloudFormation-Validate::E1029',
      reason: "a placeholder of the agent's tags, which is not CloudFormation's",
    });
    const group = new SecurityGroup(this, 'Group', { vpc: network.vpc, description: 'Gateway' });
    this.balancer = balancerOf(this, {
      name: 'gateway',
      network,
      public: gateway.public,
      from: gateway.from,
      certificateArn: gateway.certificate_arn,
      idle: Duration.seconds(gatewayIdleSeconds),
      // Many devices may stand behind one address.
      requestsMax: 100_000,
      countsAttacks: false,
    });
    for (const port of ports) {
      this.balancer.group.addEgressRule(group, Port.tcp(port), 'to the gateway');
      group.addIngressRule(this.balancer.group, Port.tcp(port), 'from the load balancer');
    }
    this.service = serviceOf(this, {
      name: 'gateway',
      network,
      task,
      group,
      grace: Duration.minutes(1),
    });
    addTargets(this.balancer, this.service);
    scaledByCpu(this.service, gateway);
    new CfnOutput(this, 'Address', { value: this.balancer.balancer.loadBalancerDnsName });
  }
}

/** `/v1/logs` is OTLP's; every other path is a tag of the HTTP input. */
function addTargets({ listener }: Balancer, service: FargateService): void {
  const base = { protocol: ApplicationProtocol.HTTP, deregistrationDelay: Duration.seconds(30) };
  const target = (containerPort: number) =>
    service.loadBalancerTarget({ containerName: 'gateway', containerPort });
  listener.addTargets('Http', {
    ...base,
    port: gatewayPorts.http,
    targets: [target(gatewayPorts.http)],
    healthCheck: { path: '/healthz' },
  });
  listener.addTargets('Otlp', {
    ...base,
    port: gatewayPorts.otlp,
    targets: [target(gatewayPorts.otlp)],
    healthCheck: { path: '/healthz' },
    priority: 10,
    conditions: [ListenerCondition.pathPatterns(['/v1/logs'])],
  });
}
