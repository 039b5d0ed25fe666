import type { RecordBatch } from './record-batch.ts';

/** The narrow port to the stream; the SDK's types stop at its adapter. */
export interface StreamClient extends Partial<BatchClient> {
  /**
   * One PutRecords call: an outcome for each record, in order. Throws when the call failed as a whole; it may have
   * succeeded all the same.
   */
  putRecords(records: StreamRecord[]): Promise<RecordOutcome[]>;
  close(): void;
}

/** The same for records that lie in one buffer; an undefined answer: every one was taken. */
export interface BatchClient {
  /** `drawKey`: 32 random bits, for records without a key of their own. */
  putBatch(batch: RecordBatch, drawKey: () => number): Promise<RecordOutcome[] | undefined>;
  close(): void;
}

export interface StreamRecord {
  data: Uint8Array;
  partitionKey: string;
}

export type RecordOutcome = { ok: true } | { ok: false; code: string; message: string };
