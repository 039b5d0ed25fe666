import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { consumerProgram } from '../service/consumer-config.ts';
import { folders } from '../service/image-layout.ts';
import { readArchive, writeManifests } from '../service/rights.ts';
import { runEvery } from '../service/scheduled.ts';
import { taskOf } from '../service/task.ts';
import type { Settings } from '../settings/schema.ts';
import type { Parts } from './parts.ts';
import { PartStack } from './stack.ts';

/**
 * Asks the ledger again and again for gaps and silent agents. A task of its own, that only reads: it must not share
 * a fate, or memory, with what it watches.
 */
export class LedgerStack extends PartStack {
  readonly logGroup: LogGroup;

  constructor(scope: Construct, settings: Settings, parts: Parts) {
    super(scope, 'Ledger', settings, 'looks for gaps and silent agents');
    const { network, access, archive } = parts;
    const bucket = archive.bucket.bucketArn;
    const key = access.key.keyArn;
    const { program, storeRights } = consumerProgram(this, parts);
    const { task, logGroup } = taskOf(this, 'Ledger', {
      ...program,
      name: 'ledger',
      role: access.ledger,
      rights: [...readArchive(bucket, key), ...writeManifests(bucket, key), ...storeRights],
      cpu: 512,
      memoryMb: 2048,
      command: [
        'ledger',
        '--config',
        `${folders.files}/consumer.json`,
        ...['--since', '-24h', '--older-than', '15m', '--json', '--no-files'],
      ],
    });
    this.logGroup = logGroup;
    runEvery(this, 'Ledger', {
      network,
      task,
      everyMinutes: settings.alarms.ledger_minutes,
      description: 'Millrace: looks for gaps and silent agents',
    });
  }
}
