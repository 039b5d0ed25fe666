/** What parsers yield. Everything here is a function of the record, its rule and its capture time (D13). */

/** A value of a parsed field. Integers beyond 2^53 stay exact as bigint. */
export type FieldValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | FieldValue[]
  | { [name: string]: FieldValue };

/** Parsed fields by name; may have a key named `__proto__`: read own keys only, never copy by assignment. */
export type Fields = Record<string, FieldValue>;

/** An instant with the precision that was written. */
export interface EventTime {
  /** Whole seconds since 1970, UTC; may be negative. */
  seconds: number;
  /** 0 to 999,999,999. */
  nanos: number;
  /** Digits of the fraction that were written, 0 to 9. */
  digits: number;
}

/** One line of an access log. Absent values and "-" are undefined; text is as in the log, escapes included. */
export interface AccessLine {
  /** Client address: IP, host name or `unix:`. Every line has one; undefined once it was removed, as the status. */
  remote: string | undefined;
  /** Second column (identd), hardly ever used. */
  host: string | undefined;
  user: string | undefined;
  /** What was between [ and ]. */
  time: string;
  method: string | undefined;
  /** Request target; the whole request text when it is no request line. */
  target: string | undefined;
  /** Without `HTTP/`. */
  version: string | undefined;
  status: number | undefined;
  bytes: number | undefined;
  referrer: string | undefined;
  agent: string | undefined;
  forwardedFor: string | undefined;
}

/**
 * parse: the parser rejects the record. time: the event's time cannot be read or stored; the fields are there. limit:
 * its rule would write more fields than it may.
 */
export interface ParseFailure {
  type: 'parse' | 'time' | 'limit';
  /** Why, at most 256 UTF-16 units. */
  message: string;
}

export interface Parsed {
  /** Parsed fields, without the time field unless the rule keeps it or it could not be read. */
  fields: Fields | undefined;
  /** Set by the nginx parser. */
  access: AccessLine | undefined;
  /** Undefined: the record has no time of its own, or it failed. */
  time: EventTime | undefined;
  /** What the parser took for the message, where that is neither a field nor the whole text. */
  message: string | undefined;
  /** `log.level`, where no field says it. */
  level: string | undefined;
  error: ParseFailure | undefined;
}

/** What one parser makes of a record's text, before time and types are looked at. */
export type Parser = (text: string) => RawParsed | ParseFailure;

export interface RawParsed {
  fields: Fields | undefined;
  access: AccessLine | undefined;
  /** `log.level`, where the parser knows it and no field says it. */
  level?: string | undefined;
}

export function parseFailure(message: string): ParseFailure {
  return { type: 'parse', message };
}

export function isFailure(result: object): result is ParseFailure {
  return 'message' in result;
}
