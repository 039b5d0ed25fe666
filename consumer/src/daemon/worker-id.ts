import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The worker's name in the lease table: kept in the state folder, so that a worker that starts again finds its
 * leases and need not wait for them to expire. The host is part of it: a copied state folder is another worker.
 */
export function workerId(folder: string, host: string): string {
  const file = join(folder, 'worker-id');
  let id: string;
  try {
    id = readFileSync(file, 'utf8').trim();
  } catch {
    id = '';
  }
  if (!/^[0-9a-f-]{36}$/.test(id)) {
    id = randomUUID();
    writeFileSync(`${file}.new`, `${id}\n`);
    renameSync(`${file}.new`, file);
  }
  return `${host.replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${id}`;
}
