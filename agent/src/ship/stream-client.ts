/** The narrow port to the stream; the SDK's types stop at its adapter. */
export interface StreamClient {
  /**
   * One PutRecords call: an outcome for each record, in order. Throws when the call failed as a whole; it may have
   * succeeded all the same.
   */
  putRecords(records: StreamRecord[]): Promise<RecordOutcome[]>;
  close(): void;
}

export interface StreamRecord {
  data: Uint8Array;
  partitionKey: string;
}

export type RecordOutcome = { ok: true } | { ok: false; code: string; message: string };
