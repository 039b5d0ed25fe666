import { RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
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

  /** Of what holds data. What a failed first deployment made goes with it: its names would be in the way of the second. */
  get dataRemoval(): RemovalPolicy {
    return this.settings.keep_data ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
  }

  /**
   * Of a bucket. S3 deletes none that has objects, so without `keep_data` a function empties it first; no stack of
   * a stage that keeps its data has such a function, and prod always does.
   */
  get bucketRemoval(): { removalPolicy: RemovalPolicy; autoDeleteObjects?: true } {
    const removalPolicy = this.dataRemoval;
    return this.settings.keep_data ? { removalPolicy } : { removalPolicy, autoDeleteObjects: true };
  }
}
