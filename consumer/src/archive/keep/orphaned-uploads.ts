import type { ObjectStore } from '@millrace/archive/object-store.ts';

/**
 * Removes multipart uploads under `prefix` that were begun before `beforeMs`: their worker was killed, and S3 bills their
 * parts. One that is still in use after all is lost to its writer, whose records are then read again. Returns them.
 */
export async function removeOrphanedUploads(
  objects: ObjectStore,
  prefix: string,
  beforeMs: number,
  signal: AbortSignal,
): Promise<string[]> {
  const removed: string[] = [];
  for (const { key, upload, startedMs } of await objects.unfinished(prefix, signal)) {
    if (signal.aborted) break;
    if (startedMs >= beforeMs) continue;
    await objects.abortUpload(key, upload, signal);
    removed.push(key);
  }
  return removed;
}
