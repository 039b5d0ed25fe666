import { Duration } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { FargateService, PropagatedTagSource } from 'aws-cdk-lib/aws-ecs';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { consumerConfig, consumerPort } from '../service/consumer-config.ts';
import { folders } from '../service/image-layout.ts';
import { fromStream, leaseTables, writeArchive } from '../service/rights.ts';
import { scaledByCpu, scaleOut } from '../service/scaling.ts';
import { storeAccess } from '../service/store-access.ts';
import { taskOf } from '../service/task.ts';
import type { Settings } from '../settings/schema.ts';
import type { Parts } from './parts.ts';
import { PartStack } from './stack.ts';

/** The consumers: a worker of the KCL in each task, as many as the stream keeps busy. */
export class ConsumerStack extends PartStack {
  readonly service: FargateService;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, settings: Settings, parts: Parts) {
    super(scope, 'Consumer', settings, 'consumer service');
    const { network, access, stream, archive } = parts;
    const bucket = archive.bucket.bucketArn;
    const key = access.key.keyArn;
    const { store, secrets, rights } = storeAccess(settings, parts.store);
    const { task, logGroup } = taskOf(this, 'Consumer', {
      name: 'consumer',
      image: 'consumer',
      images: parts.images,
      key: access.key,
      role: access.consumer,
      rights: [
        ...fromStream(stream.stream.streamArn, key),
        ...leaseTables(stream.leases.tableArn, stream.locks.tableArn),
        ...writeArchive(bucket, key),
        ...rights,
      ],
      cpu: settings.consumer.cpu,
      memoryMb: settings.consumer.memory_mb,
      files: { 'consumer.json': consumerConfig(settings, this.prefix, archive.bucket.bucketName, store) },
      secrets,
      command: ['run', '--config', `${folders.files}/consumer.json`],
      health: `http://127.0.0.1:${consumerPort}/healthz`,
    });
    this.logGroup = logGroup;
    this.service = new FargateService(this, 'Service', {
      cluster: network.cluster,
      serviceName: `${this.prefix}-consumer`,
      taskDefinition: task,
      vpcSubnets: { subnets: network.inside },
      securityGroups: [
        new SecurityGroup(this, 'Group', { vpc: network.vpc, description: 'Consumers: nothing comes in' }),
      ],
      assignPublicIp: false,
      propagateTags: PropagatedTagSource.SERVICE,
      // New workers first: their leases are handed over, no shard waits for anybody.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      enableExecuteCommand: false,
    });
    const count = scaledByCpu(this.service, settings.consumer);
    const age = stream.stream.metricGetRecordsIteratorAgeMilliseconds({
      statistic: 'Maximum',
      period: Duration.minutes(1),
    });
    // One minute late, and five.
    scaleOut(count, 'Late', age, [
      [60_000, 25],
      [300_000, 50],
    ]);
  }
}
