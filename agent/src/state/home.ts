import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import { StateDatabase } from './database.ts';
import type { SlotFile } from './slots.ts';

/** Where the state lies on the disk. */
export interface Home {
  db: StateDatabase;
  slots: SlotFile;
}

const names = ['positions.db', 'positions.db-wal', 'positions.db-shm', 'positions.db-journal'];

/**
 * Opens the state, or makes it. Undefined when the disk is full and there was none: then there is nothing to go on
 * from, and nothing is lost by beginning without.
 * @throws MillraceError STATE_LOCKED, STATE_UNWRITABLE
 */
export function openHome(
  dir: string,
  clock: Clock,
  telemetry: AgentTelemetry,
  openSlots: (path: string) => SlotFile,
): Home | undefined {
  const isNew = (statSync(join(dir, 'positions.db'), { throwIfNoEntry: false })?.size ?? 0) === 0;
  let db: StateDatabase | undefined;
  try {
    db = new StateDatabase(dir, clock);
    return { db, slots: openSlots(join(dir, 'outbox.slots')) };
  } catch (error) {
    db?.close();
    if (!isNew || isMillraceError(error, 'STATE_LOCKED') || !isFull(error)) throw error;
    // What was begun would look like a store at the next start.
    for (const name of names) rmSync(join(dir, name), { force: true });
    telemetry.emit('state_unwritable', { error: messageOf(error) });
    return undefined;
  }
}

/** The file system has no room: SQLite says so in words, or fails to read back what it could not write. */
function isFull(error: unknown): boolean {
  return /ENOSPC|EDQUOT|is full|no space|disk I\/O/i.test(messageOf(error));
}
