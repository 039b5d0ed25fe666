import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { type MetadataServer, roleKeys } from './metadata-server.ts';

/** A call as it was answered. */
export interface ScalingCall {
  action: string;
  result: string | null;
  /** Error code of the answer; undefined when it was granted. */
  error: string | undefined;
}

type State = 'InService' | 'Terminating' | 'Terminating:Wait' | 'Terminating:Proceed' | 'Terminated';

class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Auto Scaling's API (query protocol, version 2011-01-01) for a group of one instance with one hook for its
 * termination. The instance waits until the action is completed, or until the hook's time has passed since the last
 * heartbeat; who signs with other keys than the role's is refused.
 */
export class AutoScalingServer {
  readonly calls: ScalingCall[] = [];
  /** Resolves when the instance is gone for good, with what let it go. */
  readonly gone: Promise<'completed' | 'timed out'>;
  /** Codes that the next calls fail with, whatever they ask. */
  readonly failures: string[] = [];
  state: State = 'InService';
  readonly #settings: { group: string; hook: string; instanceId: string; timeoutMs: number };
  readonly #metadata: MetadataServer;
  readonly #server: Server;
  readonly #let: (how: 'completed' | 'timed out') => void;
  #timer: NodeJS.Timeout | undefined;

  private constructor(metadata: MetadataServer, group: string, hook: string, timeoutMs: number) {
    const instanceId = metadata.items.get('instance-id') ?? '';
    this.#settings = { group, hook, instanceId, timeoutMs };
    this.#metadata = metadata;
    metadata.items.set('autoscaling/target-lifecycle-state', 'InService');
    const { promise, resolve } = Promise.withResolvers<'completed' | 'timed out'>();
    this.gone = promise;
    this.#let = resolve;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async listen(
    metadata: MetadataServer,
    { group = 'web', hook = 'millrace-drain', timeoutMs = 120_000 } = {},
  ): Promise<AutoScalingServer> {
    const scaling = new AutoScalingServer(metadata, group, hook, timeoutMs);
    await new Promise<void>((resolve) => scaling.#server.listen(0, '127.0.0.1', resolve));
    return scaling;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What EventBridge says of the action that waits. */
  get event() {
    const { group, hook, instanceId } = this.#settings;
    return {
      source: 'aws.autoscaling',
      'detail-type': 'EC2 Instance-terminate Lifecycle Action',
      detail: {
        LifecycleActionToken: '87654321-4321-4321-4321-210987654321',
        AutoScalingGroupName: group,
        LifecycleHookName: hook,
        EC2InstanceId: instanceId,
        LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      },
    };
  }

  /** Scale-in: the metadata says so first; the action waits a moment later. */
  terminate(): void {
    this.state = 'Terminating';
    this.#metadata.items.set('autoscaling/target-lifecycle-state', 'Terminated');
    setTimeout(() => {
      this.state = 'Terminating:Wait';
      this.#wait();
    }, 100);
  }

  /** Calls of one action that were granted. */
  granted(action: string): ScalingCall[] {
    return this.calls.filter((call) => call.action === action && call.error === undefined);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#proceed('timed out'), this.#settings.timeoutMs);
  }

  #proceed(how: 'completed' | 'timed out'): void {
    clearTimeout(this.#timer);
    this.state = 'Terminating:Proceed';
    this.#let(how);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await textOf(request));
    const action = form.get('Action') ?? '';
    const call: ScalingCall = { action, result: form.get('LifecycleActionResult'), error: undefined };
    this.calls.push(call);
    let body: string;
    let status = 200;
    try {
      const failure = this.failures.shift();
      if (failure !== undefined) throw new Refusal(failure, 'on command');
      this.#authorize(request, form);
      const result = this.#act(action, form);
      body = `<${action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      call.error = error.code;
      status = error.code === 'AccessDenied' ? 403 : 400;
      body = `<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error><Type>Sender</Type><Code>${error.code}</Code><Message>${error.message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
    }
    response.writeHead(status, { 'content-type': 'text/xml' });
    response.end(body);
  }

  #authorize({ headers }: IncomingMessage, form: URLSearchParams): void {
    const region = this.#metadata.items.get('placement/region');
    const scope = new RegExp(`Credential=${roleKeys.AccessKeyId}/\\d{8}/${region}/autoscaling/aws4_request`);
    if (!scope.test(headers.authorization ?? '') || headers['x-amz-security-token'] !== roleKeys.Token)
      throw new Refusal('AccessDenied', 'not the keys of the role');
    if (form.get('Version') !== '2011-01-01') throw new Refusal('InvalidAction', 'another version');
  }

  #act(action: string, form: URLSearchParams): string {
    const { group, hook, instanceId } = this.#settings;
    if (action === 'DescribeAutoScalingInstances') {
      const asked = form.get('InstanceIds.member.1') === instanceId && this.state !== 'Terminated';
      const about = `<AutoScalingGroupName>${group}</AutoScalingGroupName><AvailabilityZone>eu-west-1a</AvailabilityZone><HealthStatus>HEALTHY</HealthStatus><InstanceId>${instanceId}</InstanceId><LifecycleState>${this.state}</LifecycleState><ProtectedFromScaleIn>false</ProtectedFromScaleIn>`;
      return `<AutoScalingInstances>${asked ? `<member>${about}</member>` : ''}</AutoScalingInstances>`;
    }
    if (form.get('AutoScalingGroupName') !== group || form.get('LifecycleHookName') !== hook)
      throw new Refusal('ValidationError', 'no such group or hook');
    if (this.state !== 'Terminating:Wait' || form.get('InstanceId') !== instanceId)
      throw new Refusal(
        'ValidationError',
        `No active Lifecycle Action found with instance ID ${form.get('InstanceId')}`,
      );
    if (action === 'RecordLifecycleActionHeartbeat') this.#wait();
    else if (action === 'CompleteLifecycleAction') this.#proceed('completed');
    else throw new Refusal('InvalidAction', action);
    return '';
  }
}
