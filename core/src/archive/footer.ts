import type { Exception } from '../wire/block.ts';
import type { ControlEntry } from '../wire/control.ts';

/**
 * What an archive object says about itself at its end (D6); docs/wire-format.md, "Archive object", has its bytes.
 * Readers find blocks, sources and coverage here without reading the rest. Offsets and lengths are bytes.
 */
export interface Footer {
  /** Millrace stream name; every block of the object belongs to it. */
  stream: string;
  /** In the order they lie in the object, one after another from its first byte; no block id twice. */
  blocks: FooterBlock[];
  /** One per generation, host, path, tag and rule that occurs. */
  sources: FooterSource[];
  /** Earliest and latest capture time of the object's runs, milliseconds since 1970; both 0 without runs. */
  capturedFirstMs: number;
  capturedLastMs: number;
  /** Sum of the blocks' decoded payloads without fillers. */
  payloadBytes: number;
  /** Events by event date; absent when a block could not be rendered, so that its dates are not known. */
  days?: FooterDay[];
  /** A filter of the tokens in the records (token-filter.ts); absent: any token may be there. */
  tokens?: Uint8Array;
  /** What agents said in the object's blocks, the newest of it; absent: its writer did not look. */
  control?: FooterControl[];
}

/** What one agent said (D8): of heartbeats and of sightings of a generation the newest, of `vanished` each. */
export interface FooterControl {
  host: string;
  /** Identity of its state folder, 16 bytes. */
  agent: Uint8Array;
  entries: ControlEntry[];
}

export interface FooterBlock {
  offset: number;
  length: number;
  /** 32 hexadecimal digits. */
  id: string;
  /** When Kinesis received it, milliseconds since 1970. */
  arrivalMs: number;
  /** Kinesis sequence number, decimal; empty for a block that came without Kinesis. */
  sequence: string;
  /** When its events were; `none`: it has no events; absent: its writer could not tell. */
  times?: EventTimes | 'none';
}

/** Whole seconds since 1970 in which the first and the last of some events lie; may be negative. */
export interface EventTimes {
  first: number;
  last: number;
}

export interface FooterSource {
  /** 16 bytes. */
  generation: Uint8Array;
  host: string;
  path: string;
  tag: string;
  /** Canonical rule text. */
  rule: string;
  /** Source bytes that the object accounts for: disjoint, ascending, not touching. `to` is excluded. */
  covered: { from: number; to: number }[];
  /** Stretches of `covered` that were dropped or rewritten, ascending by `from`. */
  exceptions: Exception[];
  /** Its events by date, ascending by `from`; absent: none were counted. */
  dated?: DatedStretch[];
}

/**
 * Events of one date that stand next to each other in a source. Stretches of one date overlap only where a source's
 * dates alternate so often that they were put together.
 */
export interface DatedStretch {
  /** Date part of the index name, as in FooterDay. */
  date: string;
  from: number;
  to: number;
  events: number;
}

export interface FooterDay {
  /** Date part of the index name: `YYYY.MM.DD`, or `YYYY.MM` for events far from their capture time (D7). */
  date: string;
  events: number;
}

/** First and last bytes of the footer's content. */
export const footerMagic = Buffer.from('MRF1', 'latin1');
/** The object's last bytes: length of the whole footer frame (u32 little-endian), magic. */
export const footerTrailerBytes = 8;
/** Frame header, magic, checksum. */
export const footerHeadBytes = 16;
/** Decoded footer fields, and the frame that holds them. */
export const footerBytesMax = 16 * 1024 * 1024;
export const footerFrameBytesMax = footerBytesMax + 64 * 1024;

/** First byte after the checksum: bit 0 says that the fields are a zstd frame. */
export const footerCompressed = 1;

/** Odd types are critical: a reader that does not know one stops. */
export const footerField = {
  stream: 1,
  blocks: 3,
  host: 5,
  tag: 7,
  rule: 9,
  source: 11,
  filter: 13,
  captured: 15,
  control: 16,
  payloadBytes: 17,
  day: 18,
  /** A date that stretches refer to by number. */
  date: 22,
  /** A filter of the tokens in the records. */
  tokens: 20,
  /** Times of the blocks' events, block after block. */
  times: 24,
} as const;

export const footerSourceField = { covered: 1, dated: 2, exceptions: 3 } as const;

export const footerBlocksMax = 262_144;
export const footerSourcesMax = 262_144;
export const footerNamesMax = 65_536;
/** Covered intervals, exceptions and dated stretches of all sources together. */
export const footerIntervalsMax = 1_048_576;
export const footerDaysMax = 4_096;
/** Entries of one agent. */
export const footerControlMax = 262_144;
