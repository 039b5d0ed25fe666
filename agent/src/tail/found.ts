import type { TailSource } from '../config/pipeline.ts';
import type { Way } from '../gather/lanes.ts';
import type { FileIdentity } from './identity.ts';
import type { Expansion } from './scanner.ts';

/** Where the records of a file go. */
export interface FileWay extends Way {
  tag: string;
}

/** What the finder knows of one source between two scans; times are monotonic, milliseconds. */
export interface SourceState {
  source: TailSource;
  found: Expansion;
  /** The patterns with the time in their placeholders. */
  dated: string;
  folderStates: Map<string, string>;
  /** Changes of names in its folders are heard. */
  watched: boolean;
  /** One was heard since the globs were expanded. */
  stirred: boolean;
  /** Keys of the files behind the paths that were found. */
  keys: Map<string, string>;
  /** Paths that nothing tells of: links, files that cannot be watched or opened. Looked at again and again. */
  loose: Set<string>;
  /** Paths that are not opened because too many files are. */
  waiting: Set<string>;
  /** Paths of files without a byte so far, of those that cannot be watched. */
  empty: string[];
  emptyAt: number;
  foldersAt: number;
  expandedAt: number;
  looseAt: number;
}

/** A file that a scan met, opened but not followed yet. */
export interface FoundPath {
  state: SourceState;
  path: string;
  fd: number;
  identity: FileIdentity;
  key: string;
  reader: string;
}
