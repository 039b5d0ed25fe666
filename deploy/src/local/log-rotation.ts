import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Keeps the output files of the parts bounded: above `bytesMax` one is copied to `NAME.log.1` and emptied.
 * Copied and not renamed: the part writes to the file it was started with.
 */
export function rotateLogs(folder: string, bytesMax: number): void {
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.log')) continue;
    const path = join(folder, name);
    if (statSync(path).size <= bytesMax) continue;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  }
}
