import type { Role } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { scaleShards } from '../service/rights.ts';
import { runEvery } from '../service/scheduled.ts';
import { taskOf } from '../service/task.ts';
import type { Autoscale, Settings } from '../settings/schema.ts';
import type { Parts } from './parts.ts';
import { PartStack } from './stack.ts';

/** Of a run that waits for consumers; the next one decides anew. */
const patienceMinutes = 15;

/**
 * Asks again and again whether the stream has too few or too many shards, and changes them. Runs may overlap: one that
 * finds another at work leaves it alone (docs/shards.md).
 */
export class ShardsStack extends PartStack {
  readonly logGroup: LogGroup;
  readonly everyMinutes: number;

  constructor(scope: Construct, settings: Settings, parts: Parts, autoscale: Autoscale, role: Role) {
    super(scope, 'Shards', settings, 'changes the shards of the stream with the load');
    const { network, access, stream } = parts;
    this.everyMinutes = autoscale.every_minutes;
    const { task, logGroup } = taskOf(this, 'Shards', {
      name: 'shards',
      image: 'tools',
      images: parts.images,
      key: access.key,
      role,
      rights: scaleShards(stream.stream.streamArn, stream.leases.tableArn, access.key.keyArn),
      cpu: 256,
      memoryMb: 512,
      files: {},
      command: [
        ...['shards', 'auto', '--apply', '--json'],
        ...['--stream', this.prefix, '--application', this.prefix],
        ...['--min', String(autoscale.min), '--max', String(autoscale.max)],
        ...['--target', String(autoscale.target_percent), '--patience', String(patienceMinutes)],
      ],
    });
    this.logGroup = logGroup;
    runEvery(this, 'Shards', {
      network,
      task,
      everyMinutes: autoscale.every_minutes,
      description: 'Millrace: has the stream as many shards as it needs',
    });
  }
}
