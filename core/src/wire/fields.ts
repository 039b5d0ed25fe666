/** Field types of the block header, docs/wire-format.md. Odd types are critical: a reader that does not know one stops. */
export const headerField = {
  stream: 1,
  payloadSize: 3,
  rule: 5,
  source: 7,
  run: 9,
  host: 11,
  agent: 12,
  baseTime: 13,
  control: 14,
  filter: 15,
} as const;

/** Extension fields that may follow a run's fixed part. */
export const runField = { lengths: 1, exceptions: 3, size: 5 } as const;

export const runFlag = { filler: 1, continues: 2, continued: 4 } as const;
export const runFlagsKnown = 7;

/** "MRB" and the version. */
export const blockMagic = Buffer.from('MRB\x01', 'latin1');

/** First byte after magic and CRC-32: bit 0 says that the fields are a zstd frame. */
export const bodyCompressed = 1;

export const sourcesMax = 16_384;
export const runsMax = 65_536;
/** Of all runs together: as many as have room in a block when nothing is compressed. */
export const exceptionsMax = 262_144;
export const rulesMax = 1_024;
