/**
 * The one error class. `code` is closed: a test holds this list and docs/errors.md to each other.
 * `message` says what is wrong and where (file:line, field, key); `hint` says what to do about it.
 */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Where in the text of a query: UTF-16 offsets, end exclusive. */
  readonly at: { start: number; end: number } | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; at?: { start: number; end: number } } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MillraceError';
    this.code = code;
    this.hint = options.hint;
    this.at = options.at;
  }
}

export const errorCodes = [
  'CONFIG_INVALID', // a configuration file has an unknown key, a bad value or bad syntax
  'USAGE', // a command line that cannot be understood
  'WIRE_CORRUPT', // block bytes that do not decode: wrong magic, checksum, length or structure
  'WIRE_UNSUPPORTED', // a well-formed block of a newer version, or with an unknown critical field
  'WIRE_LIMIT', // a block, header or record over its fixed limit
  'RULE_INVALID', // rule text outside the grammar, or of an unknown version
  'ARCHIVE_CORRUPT', // an archive object whose footer or blocks do not decode
  'ARCHIVE_UNAVAILABLE', // S3 does not answer, throttles, or refuses a call that should have worked
  'QUERY_INVALID', // a search query, time, cursor or size that cannot be understood
  'STORE_UNAVAILABLE', // OpenSearch or Elasticsearch does not answer, or answers 5xx
  'STORE_REJECTED', // OpenSearch or Elasticsearch refuses a request for good (4xx)
  'STREAM_UNAVAILABLE', // Kinesis does not answer or throttles beyond the deadline
  'STATE_UNWRITABLE', // position store or outbox cannot be opened or written
  'OUTBOX_FULL', // events were refused because the outbox has no room, or the agent is stopping
  'STATE_LOCKED', // another process uses the same state folder
  'ENGINE_MISSING', // Node, Java, Maven or an engine's files are missing or too old
  'ENGINE_FAILED', // an engine did not start or stopped unexpectedly
  'PORT_TAKEN', // a port that a part needs is in use by somebody else
  'FETCH_FAILED', // an engine could not be fetched (no network, registry refused)
  'DISK_FULL', // not enough room in a data folder
  'DEADLINE', // an operation did not finish within its deadline
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** True for an error of ours, optionally of one code. */
export function isMillraceError(error: unknown, code?: ErrorCode): error is MillraceError {
  return error instanceof MillraceError && (code === undefined || error.code === code);
}

/** The message of anything thrown, for log fields and chained messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
