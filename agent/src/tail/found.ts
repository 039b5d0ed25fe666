import type { TailSource } from '../config/pipeline.ts';
import type { FileIdentity } from './identity.ts';
import type { Expansion } from './scanner.ts';

/** What the finder knows of one source between two scans; times are monotonic, milliseconds. */
export interface SourceState {
  source: TailSource;
  rule: string;
  found: Expansion;
  folderTimes: Map<string, number>;
  /** Paths of files without a byte so far. */
  empty: string[];
  emptyAt: number;
  expandedAt: number;
  statedAt: number;
}

/** A file that a scan met, opened but not followed yet. */
export interface FoundPath {
  state: SourceState;
  path: string;
  fd: number;
  identity: FileIdentity;
}
