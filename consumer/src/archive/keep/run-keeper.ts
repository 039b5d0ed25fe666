import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ConsumerConfig } from '../../config.ts';
import { ensureTable } from '../../daemon/seed-leases.ts';
import type { ConsumerTelemetry } from '../../events.ts';
import { fleetLock, lockTable } from '../../lock/fleet-lock.ts';
import { persist } from '../../persist.ts';
import { ArchiveKeeper } from './keeper.ts';

interface KeeperProcess {
  config: ConsumerConfig;
  objects: ObjectStore;
  dynamo: DynamoDBClient;
  worker: string;
  clock: Clock;
  telemetry: ConsumerTelemetry;
  renderer: Renderer;
}

/** Looks after the archive until the signal, while no other process of the fleet does. */
export async function runArchiveKeeper(process: KeeperProcess, signal: AbortSignal): Promise<void> {
  const { config, objects, dynamo, clock, telemetry, renderer } = process;
  await persist(
    clock,
    signal,
    (error) => telemetry.emit('archive_keep_failed', { error }),
    () => ensureTable(dynamo, lockTable(config), 'name', clock, signal),
  );
  const keeper = new ArchiveKeeper({
    config: config.archive,
    readBytes: config.filler.read_bytes,
    objects,
    renderer,
    lock: fleetLock(process, 'archive'),
    clock,
    emit: telemetry.emit,
  });
  await keeper.run(signal);
}
