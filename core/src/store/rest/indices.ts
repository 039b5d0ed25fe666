import { StoreRejection } from '../failure.ts';

/**
 * Indices as they stand in a path; undefined when there are none.
 * @throws MillraceError STORE_REJECTED for names of indices that are not ours to search
 */
export function indexTarget(indices: readonly string[]): string | undefined {
  if (indices.length === 0) return undefined;
  for (const index of indices) {
    if (!/^millrace-[a-z0-9_.*-]+$/.test(index)) {
      throw new StoreRejection(400, `index pattern ${JSON.stringify(index)} is not one of Millrace`);
    }
  }
  return indices.map(encodeURIComponent).join(',');
}

/** Days without an index are days without events. */
export const missingIndices = { ignore_unavailable: true, allow_no_indices: true };
