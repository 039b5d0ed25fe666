import { Stack, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/schema.ts';

/** A stack of one concern, named and tagged so that a cost report can tell it from the others. */
export class PartStack extends Stack {
  readonly settings: Settings;
  /** Names of what is named: `millrace-<stage>`. */
  readonly prefix: string;

  constructor(scope: Construct, part: string, settings: Settings, description: string) {
    super(scope, `Millrace-${settings.stage}-${part}`, {
      description: `Millrace ${settings.stage}: ${description}`,
      terminationProtection: settings.keep_data && settings.stage === 'prod',
    });
    this.settings = settings;
    this.prefix = `millrace-${settings.stage}`;
    const tags = { ...settings.tags, 'millrace:stage': settings.stage, 'millrace:part': part };
    for (const [name, value] of Object.entries(tags)) Tags.of(this).add(name, value);
  }
}
