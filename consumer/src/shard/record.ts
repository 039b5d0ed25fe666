/** One Kinesis record as the daemon delivers it. */
export interface ShardRecord {
  data: Buffer;
  sequence: string;
  /** Above 0 for the second and later records of a KPL aggregate. */
  subSequence: number;
  partitionKey: string;
  /** When Kinesis received it, milliseconds since 1970. */
  arrivalMs: number;
}
