import type { GenerationRow } from '../state/database.ts';
import type { Suspicion } from '../state/store-identity.ts';
import { fingerprint, fingerprintBytes, readAt } from './fingerprint.ts';
import type { FileIdentity } from './identity.ts';

/** A file met by a scan, before it is known which generation it is. */
export interface FoundFile {
  fd: number;
  size: number;
  identity: FileIdentity;
  /** Birth time means nothing where the file system has none and reports another time in its place. */
  birthIsReal: boolean;
}

export type Recognition =
  | { kind: 'same'; row: GenerationRow; head: Buffer; tail: Buffer }
  /** Stored under this inode, but not proven to be the same content. */
  | { kind: 'unproven'; row: GenerationRow; reason: string }
  | { kind: 'unknown' };

/** A restored store proves nothing about the first stretch of a file: lives of one file often start alike. */
export const restoredProofBytesMin = 64 * 1024;

/**
 * Finds the stored generation of a file after a restart (D3). The inode names the candidate, head and tail hash prove
 * it; what is not proven becomes a new generation: duplicates, never a loss.
 */
export function recognise(file: FoundFile, rows: GenerationRow[], suspicion: Suspicion): Recognition {
  // Newest first: an inode can have had several generations. Device numbers change over reboots; the hashes decide,
  // but between two devices' files of one inode and alike content the device does.
  const { device, inode } = file.identity;
  const otherDevice = (row: GenerationRow) => (row.device === device ? 0 : 1);
  const candidates = rows
    .filter((row) => row.inode === inode)
    .sort((a, b) => otherDevice(a) - otherDevice(b) || Buffer.compare(b.id, a.id));
  let unproven: Recognition = { kind: 'unknown' };
  for (const row of candidates) {
    const head = readAt(file.fd, 0, Math.min(fingerprintBytes, row.position));
    const tail = readAt(file.fd, Math.max(0, row.position - row.tailSize), row.tailSize);
    const reason = doubt(file, row, suspicion, head, tail);
    if (reason === undefined) return { kind: 'same', row, head, tail };
    if (unproven.kind === 'unknown') unproven = { kind: 'unproven', row, reason };
  }
  return unproven;
}

/** Why the file is not proven to hold the row's generation; undefined when it is. */
function doubt(
  file: FoundFile,
  row: GenerationRow,
  suspicion: Suspicion,
  head: Buffer,
  tail: Buffer,
): string | undefined {
  if (suspicion === 'cloned') return 'the state was made on another machine';
  if (suspicion === 'restored' && row.position < restoredProofBytesMin) {
    return 'the position store was restored from an older copy';
  }
  if (file.size < row.position) return 'the file is shorter than its stored position';
  if (file.birthIsReal && row.birthMs !== 0 && row.birthMs !== file.identity.birthMs) {
    return 'the file was made anew under the same inode';
  }
  if (!fingerprint(head.subarray(0, row.headSize)).equals(row.headHash)) return 'its first bytes differ';
  if (!fingerprint(tail).equals(row.tailHash)) return 'the bytes before its stored position differ';
  return undefined;
}
