import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import type { InstanceMetadata } from './metadata.ts';

/** Auto Scaling, as far as an instance speaks to it of its own end. */
export interface ScalingActions {
  /** Lifecycle state of the instance, as in `Terminating:Wait`; undefined when it is in no group. */
  state(): Promise<string | undefined>;
  /** The hook's time begins anew. */
  heartbeat(): Promise<void>;
  /** The group goes on with the termination; false: no action of the hook waits for this. */
  complete(): Promise<boolean>;
}

export interface ScalingSettings {
  /** Name of the group's hook for terminating instances. */
  hook: string;
  /** The group; undefined: Auto Scaling is asked for it. */
  group: string | undefined;
}

interface Session {
  sdk: typeof import('@aws-sdk/client-auto-scaling');
  client: AutoScalingClient;
  instanceId: string;
}

/** Auto Scaling by its official client, with the keys of the instance's role. All of it is loaded when it is needed. */
export class AutoScalingActions implements ScalingActions {
  readonly #settings: ScalingSettings;
  readonly #metadata: Pick<InstanceMetadata, 'required'>;
  #session: Promise<Session> | undefined;
  #group: string | undefined;

  constructor(settings: ScalingSettings, metadata: Pick<InstanceMetadata, 'required'>) {
    this.#settings = settings;
    this.#metadata = metadata;
    this.#group = settings.group;
  }

  async state(): Promise<string | undefined> {
    const { sdk, client, instanceId } = await this.#open();
    const ask = new sdk.DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] });
    const [instance] = (await client.send(ask)).AutoScalingInstances ?? [];
    this.#group ??= instance?.AutoScalingGroupName;
    return instance?.LifecycleState;
  }

  async heartbeat(): Promise<void> {
    const { sdk, client } = await this.#open();
    await client.send(new sdk.RecordLifecycleActionHeartbeatCommand(await this.#action()));
  }

  async complete(): Promise<boolean> {
    const { sdk, client } = await this.#open();
    const action = { ...(await this.#action()), LifecycleActionResult: 'CONTINUE' };
    try {
      await client.send(new sdk.CompleteLifecycleActionCommand(action));
      return true;
    } catch (error) {
      if (isNoAction(error)) return false;
      throw error;
    }
  }

  async #action() {
    const { instanceId } = await this.#open();
    if (this.#group === undefined) await this.state();
    if (this.#group === undefined) throw new Error(`${instanceId} is in no Auto Scaling group`);
    return {
      AutoScalingGroupName: this.#group,
      LifecycleHookName: this.#settings.hook,
      InstanceId: instanceId,
    };
  }

  /** What failed is tried anew with the next call. */
  #open(): Promise<Session> {
    this.#session ??= this.#load().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async #load(): Promise<Session> {
    const [sdk, { clientSettings }, instanceId, region] = await Promise.all([
      import('@aws-sdk/client-auto-scaling'),
      import('../ship/connection.ts'),
      this.#metadata.required('instance-id'),
      this.#metadata.required('placement/region'),
    ]);
    const client = new sdk.AutoScalingClient(
      clientSettings({
        region,
        endpoint: undefined,
        credentials: { from: 'instance_profile', retries: 3, timeoutMs: 2_000 },
        proxy: undefined,
        verifyPeer: true,
        fips: false,
        dualStack: false,
        requestsInFlightMax: 2,
      }),
    );
    return { sdk, client, instanceId };
  }
}

/** Nothing waits: somebody else has completed it, its time is over, or the instance is not there yet. */
function isNoAction(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.name === 'ValidationError' &&
    /no active lifecycle action/i.test(error.message)
  );
}
