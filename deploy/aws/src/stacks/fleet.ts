import { CfnOutput } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { toSpill, toStream } from '../service/rights.ts';
import type { Settings } from '../settings/schema.ts';
import type { Parts } from './parts.ts';
import { PartStack } from './stack.ts';

/**
 * What the roles of servers with agents get. The servers are their owners': the hook that drains an agent before its
 * server is scaled in is a template of its own, one for each Auto Scaling group (deploy/fleet/scale-in.yaml).
 */
export class FleetStack extends PartStack {
  constructor(scope: Construct, settings: Settings, { stream, archive, access }: Parts) {
    super(scope, 'Fleet', settings, 'rights of agents');
    const key = access.key.keyArn;
    const agent = new ManagedPolicy(this, 'Agent', {
      // IAM has one set of names for all regions.
      managedPolicyName: `${this.prefix}-agent-${this.region}`,
      description: 'Millrace agents: write to the stream, and to the archive what it did not take in time',
      statements: [...toStream(stream.stream.streamArn, key), ...toSpill(archive.bucket.bucketArn, key)],
    });
    new CfnOutput(this, 'AgentPolicy', { value: agent.managedPolicyArn });
  }
}
