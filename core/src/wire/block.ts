import type { ControlEntry } from './control.ts';

/** The in-memory shape of a block; docs/wire-format.md has its bytes. Offsets and lengths are bytes. */

/** One life of one file's content (or of a network input) on one host, and what is known of it. */
export interface Source {
  /** UUIDv7, 16 bytes (D3). */
  generation: Uint8Array;
  /** The file's path as the agent opened it; arbitrary bytes read as UTF-8. */
  path: string;
  tag: string;
  /** Index into BlockHeader.rules. */
  rule: number;
}

/** Shipped bytes that are not the source's bytes. Lengths of both sides cover whole records. */
export interface Exception {
  /** Absolute offset in the source where the stretch begins. */
  from: number;
  /** Source bytes covered. */
  length: number;
  /** Shipped bytes that stand for them; 0 where the records were dropped. */
  shipped: number;
  /** Name of the filter that decided it. */
  by: string;
}

/** A byte interval of one generation. */
export interface Run {
  /** Index into BlockHeader.sources. */
  source: number;
  /** Source offsets, `from` included, `to` excluded; below 2^48. */
  from: number;
  to: number;
  /** Wall clock of the agent when the bytes were read (or the file's mtime, for content older than the agent). */
  capturedMs: number;
  /** Shipped bytes of this run in the payload, without the filler. */
  size: number;
  /** A "\n" that is not part of the source follows in the payload, so that lines stay apart under `zstd -dc`. */
  filler: boolean;
  /** The first record continues a record that an earlier run cut; the last one is continued by a later run. */
  continues: boolean;
  continued: boolean;
  /** Shipped lengths of the records; absent: records end at each "\n" and at the end of the run. */
  lengths?: number[];
  exceptions?: Exception[];
}

export interface BlockHeader {
  /** Host name as the agent knows it. */
  host: string;
  /** Random identity of the agent's state folder, 16 bytes. */
  agent: Uint8Array;
  /** Stream name, `[a-z0-9_]+`. */
  stream: string;
  /** Canonical texts of the rules used (docs/wire-format.md, "Rules"). */
  rules: string[];
  sources: Source[];
  runs: Run[];
  /** What the agent saw; absent where it says nothing. */
  control?: ControlEntry[];
}

export interface Block {
  header: BlockHeader;
  /** Decoded payload: the runs' bytes one after another, fillers included. */
  payload: Uint8Array;
}

/** One record of a block, in source terms. `start`/`end` are positions in the block's payload. */
export interface BlockRecord {
  run: Run;
  source: Source;
  start: number;
  end: number;
  /** Offset of the record's first byte in its generation. */
  offset: number;
}

/** A block's bytes, header and frames, never exceed this: Kinesis' default record limit less the partition key. */
export const blockBytesMax = 1_048_576 - 256;
/** Decoded payload of one block; also the multiple at which an over-long record is cut. */
export const payloadBytesMax = 960 * 1024;
/** Decoded header of one block. */
export const headerBytesMax = 4 * 1024 * 1024;
/** Compressed header of one block: what is left beside an incompressible payload. */
export const headerFrameBytesMax = blockBytesMax - payloadBytesMax - 4096;
/** Latest time that a date can be made of, milliseconds since 1970. */
export const timeMsMax = 8.64e15;
/** Offsets are 6 bytes in an event id. */
export const offsetMax = 2 ** 48 - 1;
