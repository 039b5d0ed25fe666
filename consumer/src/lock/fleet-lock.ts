import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ConsumerConfig } from '../config.ts';
import { dynamoLockItem } from './dynamo-lock-item.ts';
import { createLock, type Lock } from './lock.ts';

/** Long enough that a passing slowness of DynamoDB does not move the work to another process. */
const expiryMs = 60_000;
/** Far below it. */
const keepMs = 10_000;

/** The table of a fleet's locks. */
export function lockTable(config: Pick<ConsumerConfig, 'application'>): string {
  return `${config.application}_locks`;
}

/** The lock `name` of the fleet, for the process `worker`. */
export function fleetLock({ config, dynamo, worker, clock }: FleetMember, name: string): Lock {
  return createLock(dynamoLockItem(dynamo, lockTable(config), name), worker, expiryMs, clock);
}

export interface FleetMember {
  config: Pick<ConsumerConfig, 'application'>;
  dynamo: DynamoDBClient;
  worker: string;
  clock: Clock;
}

/**
 * Takes the lock and works while it is kept in the background; the signal that `work` gets ends with the lock, which
 * is still held afterwards. Undefined, and no work, while another process has it.
 * @throws what `work` throws, or what kept the lock from being kept
 */
export async function whileHeld<T>(
  lock: Lock,
  clock: Clock,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  if (!(await lock.hold())) return undefined;
  const over = new AbortController();
  const held = AbortSignal.any([signal, over.signal]);
  let failure: { reason: unknown } | undefined;
  const keeping = (async () => {
    while (!held.aborted) {
      await clock.sleep(keepMs, held);
      if (!held.aborted && !(await lock.hold())) over.abort();
    }
  })().catch((reason: unknown) => {
    // When the work is through already, it needs the lock no more.
    if (!held.aborted) failure = { reason };
    over.abort();
  });
  try {
    const result = await work(held);
    if (failure === undefined) return result;
  } catch (error) {
    if (failure === undefined) throw error;
  } finally {
    over.abort();
    await keeping;
  }
  throw failure.reason;
}
