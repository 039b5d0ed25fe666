import { isMillraceError } from '@millrace/core/errors.ts';
import type { Store } from '@millrace/core/store/port.ts';

interface RedriveObjectOptions {
  store: Pick<Store, 'marksOf'>;
  /** Indexes an object again, and replaces its mark. */
  refill(object: string, signal: AbortSignal): Promise<void>;
  stderr(text: string): void;
  signal: AbortSignal;
}

/**
 * Handles an archive object again; resolves with how much of it is set aside then. One that cannot be read, or is gone,
 * keeps what its mark says, and does not stand in the way of others.
 * @throws MillraceError ARCHIVE_UNAVAILABLE, STORE_UNAVAILABLE, DEADLINE when the signal ended it
 */
export async function redriveObject(
  { store, refill, stderr, signal }: RedriveObjectOptions,
  object: string,
): Promise<number> {
  const left = async () => (await store.marksOf([object], signal)).get(object)?.setAside ?? 0;
  try {
    await refill(object, signal);
    return await left();
  } catch (error) {
    if (!isMillraceError(error, 'ARCHIVE_CORRUPT') && !isMillraceError(error, 'WIRE_UNSUPPORTED'))
      throw error;
    stderr(`${object}: ${error.message}\n`);
    return Math.max(1, await left());
  }
}
