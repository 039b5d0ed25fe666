import type { AgentTelemetry } from '../events.ts';

/** What filters did to records, counted by filter. */
export interface FilterCounts {
  dropped(by: string, records: number, bytes: number): void;
  rewritten(by: string, records: number): void;
}

export function createFilterCounts({ counterBy }: AgentTelemetry): FilterCounts {
  const records = counterBy('filter_dropped_records_total', 'Records that a filter dropped.', 'filter');
  const bytes = counterBy('filter_dropped_bytes_total', 'Bytes of records that a filter dropped.', 'filter');
  const rewritten = counterBy('filter_rewritten_records_total', 'Records that a filter rewrote.', 'filter');
  return {
    dropped(by, count, size) {
      records(by, count);
      bytes(by, size);
    },
    rewritten,
  };
}
