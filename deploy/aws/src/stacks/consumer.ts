import { Duration } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { consumerPort, consumerProgram } from '../service/consumer-config.ts';
import { serviceOf } from '../service/fargate-service.ts';
import { folders } from '../service/image-layout.ts';
import { fromStream, leaseTables, writeArchive } from '../service/rights.ts';
import { scaledByCpu, scaleOut } from '../service/scaling.ts';
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
    const { program, storeRights } = consumerProgram(this, parts);
    const { task, logGroup } = taskOf(this, 'Consumer', {
      ...program,
      name: 'consumer',
      role: access.consumer,
      rights: [
        ...fromStream(stream.stream.streamArn, key),
        ...leaseTables(stream.leases.tableArn, stream.locks.tableArn),
        ...writeArchive(bucket, key),
        ...storeRights,
      ],
      cpu: settings.consumer.cpu,
      memoryMb: settings.consumer.memory_mb,
      command: ['run', '--config', `${folders.files}/consumer.json`],
      health: `http://127.0.0.1:${consumerPort}/healthz`,
    });
    this.logGroup = logGroup;
    // New workers come first: leases are handed over to them, no shard waits for anybody.
    this.service = serviceOf(this, {
      name: 'consumer',
      network,
      task,
      group: new SecurityGroup(this, 'Group', {
        vpc: network.vpc,
        description: 'Consumers: nothing comes in',
      }),
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
