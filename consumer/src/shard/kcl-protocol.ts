/** What aws-kcl 2.3 calls and is given; the package has no types. */

export interface Checkpointer {
  /** Only inside a call, before its callback; one at a time. `error` is the Java exception's class name. */
  checkpoint(sequenceNumber: string, callback: (error: string | null | undefined) => void): void;
  /** At the end of everything delivered; in shardEnded: the end of the shard. */
  checkpoint(callback: (error: string | null | undefined) => void): void;
}

export interface DeliveredRecord {
  /** Base64. */
  data: string;
  partitionKey: string;
  sequenceNumber: string;
  subSequenceNumber: number;
  approximateArrivalTimestamp: number;
}

export interface RecordProcessor {
  initialize(input: { shardId: string; sequenceNumber?: string }, done: () => void): void;
  processRecords(
    input: { records: DeliveredRecord[]; millisBehindLatest?: number; checkpointer: Checkpointer },
    done: () => void,
  ): void;
  leaseLost(input: object, done: () => void): void;
  shardEnded(input: { checkpointer: Checkpointer }, done: () => void): void;
  shutdownRequested(input: { checkpointer: Checkpointer }, done: () => void): void;
}
