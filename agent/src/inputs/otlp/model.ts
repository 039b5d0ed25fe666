/** Log records as OTLP's JSON has them; 64-bit numbers as text or bigint, whatever they came as. */

export type AnyValue =
  | { stringValue: string }
  | { boolValue: boolean }
  | { intValue: bigint | number | string }
  | { doubleValue: number | string }
  | { arrayValue: { values?: AnyValue[] } }
  | { kvlistValue: { values?: KeyValue[] } }
  /** Base64. */
  | { bytesValue: string };

export interface KeyValue {
  key?: string;
  value?: AnyValue | undefined;
}

export interface LogRecord {
  timeUnixNano?: bigint | number | string;
  observedTimeUnixNano?: bigint | number | string;
  severityNumber?: number;
  severityText?: string;
  body?: AnyValue | undefined;
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
  flags?: number;
  /** Hexadecimal. */
  traceId?: string;
  spanId?: string;
  eventName?: string;
}

export interface ScopeLogs {
  scope?: { name?: string; version?: string; attributes?: KeyValue[] };
  logRecords?: LogRecord[];
}

export interface ResourceLogs {
  resource?: { attributes?: KeyValue[] };
  scopeLogs?: ScopeLogs[];
}

export interface LogsRequest {
  resourceLogs?: ResourceLogs[];
}

/** Values inside one another; a record with deeper ones is rejected. */
export const valueDepthMax = 16;

/** Stands for a value that is too deep to be read; writing it says so. */
export const tooDeep: AnyValue = { arrayValue: {} };
