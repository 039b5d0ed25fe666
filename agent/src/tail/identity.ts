import type { BigIntStats, Stats } from 'node:fs';

/** What a file is known by; see GenerationRow. */
export interface FileIdentity {
  device: string;
  inode: string;
  birthMs: number;
}

/**
 * `exact` is asked where the inode number does not fit a double (overlayfs, NFS and others number so): two files must
 * never look like one.
 */
export function identityOf(stat: Stats, exact: () => BigIntStats): FileIdentity {
  const { dev, ino } = Number.isSafeInteger(stat.ino) && Number.isSafeInteger(stat.dev) ? stat : exact();
  return { device: String(dev), inode: String(ino), birthMs: stat.birthtimeMs };
}

/** Tells files apart while the agent runs, and the readings of one file by several sources. */
export function fileKey(identity: FileIdentity, reader: string): string {
  const inode = `${identity.device}:${identity.inode}`;
  return reader === '' ? inode : `${inode} ${reader}`;
}
