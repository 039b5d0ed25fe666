import type { Rule } from '@millrace/core/rule/rule.ts';

/** What a configuration compiles to: plain data, everything that depends on the environment is a literal. */
export interface Pipeline {
  system: SystemConfig;
  sources: TailSource[];
  /** In the order of the file; the first whose pattern matches a tag takes it (see routeTag). */
  routes: Route[];
  outputs: KinesisOutput[];
  /** Parameters that fluentd knows and that have no effect here, and why; to be logged once at start. */
  notices: Notice[];
}

export interface Notice {
  file: string;
  line: number;
  message: string;
}

export interface SystemConfig {
  /** Folder of position store and outbox. */
  stateDir: string;
  /** Host name in every block. */
  host: string;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** Where health and metrics are served; undefined: not at all. */
  http: { host: string; port: number } | undefined;
}

/** How bytes become records. */
export type Framing =
  | { type: 'newline' }
  /** A line (text without its terminator) that `firstline` matches begins a record. */
  | { type: 'multiline'; firstline: RegExp; firstlineSource: string };

export interface TailSource {
  id: string;
  /** file:line of the section. */
  where: string;
  /** Globs, absolute; %Y-style time placeholders are left as they are. */
  paths: string[];
  excludePaths: string[];
  /** Zone of the time placeholders in `paths`: IANA name or ±HH:MM. */
  pathTimeZone: string;
  /** May contain one `*`, which stands for the path with `/` as `.` (see tagOfPath). */
  tag: string;
  /** false: files present at the very first start begin at their end; later ones always at the head. */
  readFromHead: boolean;
  refreshIntervalMs: number;
  rotateWaitMs: number;
  /** An unterminated last line is shipped after this; 0 = never. */
  partialFlushMs: number;
  /** The last record of a multiline file is shipped after this; 0 = only when the next one begins. */
  multilineFlushMs: number;
  framing: Framing;
  /** How the consumer makes documents of this source's records. */
  rule: Rule;
}

export interface KinesisOutput {
  id: string;
  /** file:line of the section. */
  where: string;
  streamName: string;
  region: string;
  endpoint: string | undefined;
  /** undefined: the SDK's default chain. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
  /** Millrace stream, `[a-z0-9_]+`: names indices and archive prefixes. */
  stream: string;
  /** Longest time a record waits for others before its block is sent; ≤ 1000. */
  lingerMs: number;
  /** Room for unacknowledged blocks. */
  outboxBytes: number;
  /** How long a stopping agent goes on shipping what it has read. */
  drainTimeoutMs: number;
  requestRecordsMax: number;
  requestBytesMax: number;
  requestsInFlightMax: number;
  /** Backoff of failed requests and records; they are never given up. */
  retryBaseMs: number;
  retryMaxMs: number;
}

/** One `<match>`. */
export interface Route {
  /** file:line of the section. */
  where: string;
  /** Tag pattern as written: `app.**`, `{a,b}.*`, `/re/`, several separated by spaces. */
  pattern: string;
  /** The same as anchored expressions; any of them matches. */
  expressions: RegExp[];
  output: KinesisOutput;
}
