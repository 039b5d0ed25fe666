import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Filter } from '../filter/filter.ts';
import type { Input, InputContext } from '../input/input.ts';
import type { Operating } from '../operate/config.ts';
import type { ConnectionSettings } from '../ship/connection.ts';
import type { Sender, SenderContext } from '../ship/sender.ts';

/** What a configuration compiles to; everything that depends on the environment is a literal. */
export interface Pipeline {
  system: SystemConfig;
  sources: TailSource[];
  /** Sources that take events from elsewhere than files. */
  inputs: PushSource[];
  /** What stands at the top level (name '') and in each `<label>`, in the order of the file (see branchesOf). */
  stages: ReadonlyMap<string, Stage[]>;
  /** Every one, those in a `copy` included. */
  outputs: Output[];
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
  operating?: Operating;
}

/** How bytes become records. */
export type Framing =
  | { type: 'newline' }
  /** A line (text without its terminator) that `firstline` matches begins a record. */
  | { type: 'multiline'; firstline: RegExp; firstlineSource: string; bounds?: GroupBounds }
  /** A line that `continuation` does not match begins a record. `name`: for people. */
  | { type: 'continuation'; continuation: RegExp; name: string; bounds?: GroupBounds }
  /** A record ends with the line that makes `whole` match its lines together. */
  | { type: 'matching'; whole: RegExp; bounds?: GroupBounds }
  /** A line is a container's, in CRI's or Docker's form; messages that were written in parts are put together. */
  | { type: 'cri' | 'docker'; bounds?: GroupBounds };

/** Where a record of several lines is cut, however it would go on. */
export interface GroupBounds {
  lines: number;
  bytes: number;
}

/** How many lines groups of files may yield; what a group is, its rules say. */
export interface ReadGroup {
  /** Its named captures, of the path, are what rules ask for. */
  pattern: RegExp;
  ratePeriodMs: number;
  /** The first whose expressions all match holds; a negative limit is none. */
  rules: { match: [name: string, expression: RegExp][]; limit: number }[];
}

export interface TailSource {
  id: string;
  /** file:line of the section. */
  where: string;
  /** Where its events go; '' is the top level. */
  label: string;
  /** Names its readings of files that other sources follow too; its id if there is none. */
  readerId?: string;
  /** Tells readings of the same files from one another; '' for the first. */
  reader?: string;
  /** Its reading goes on with one that has no name, from when there was only one. */
  adopts?: boolean;
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
  /** A record longer than this, bytes with its terminator, is dropped, flagged and counted; absent: none is. */
  maxLineBytes?: number;
  /** Notifications are not used: quiet files are looked at every refresh interval. */
  pollOnly?: boolean;
  /** Of each file. */
  readBytesPerSecond?: number | undefined;
  group?: ReadGroup | undefined;
  /** Files that were not written to for this long are not kept open. */
  limitRecentlyModifiedMs?: number | undefined;
  maxOpenFiles?: number | undefined;
  /** How the consumer makes documents of this source's records. */
  rule: Rule;
}

/** A `<source>` that takes events from a socket, a pipe or a process. */
export interface PushSource {
  id: string;
  /** file:line of the section. */
  where: string;
  /** Where its events go; '' is the top level. */
  label: string;
  /** A tag that its events have, to be checked against `<match>`; undefined where the sender decides. */
  tag: string | undefined;
  /** Lines of `agent check`: what, value. No secrets. */
  describe(): [string, string][];
  /** Loads what it is made of: an agent has few kinds of sources. */
  create(context: InputContext): Promise<Input>;
}

/** Where blocks go. */
export interface Output {
  id: string;
  /** file:line of the section. */
  where: string;
  type: string;
  /** Millrace stream, `[a-z0-9_]+`: names indices and archive prefixes. */
  stream: string;
  /** Longest time a record waits for others before its block is sent; ≤ 1000. */
  lingerMs: number;
  /** Room for unacknowledged blocks; 0: takes what it is given at once and never sends it (`null`). */
  outboxBytes: number;
  /** How long a stopping agent goes on shipping what it has read. */
  drainTimeoutMs: number;
  /** Lines of `agent check`: what, value. No secrets. */
  describe(): [string, string][];
  createSender(context: SenderContext): Sender;
  /** Its blocks go to a consumer, which is to know what the agent sees. */
  takesSightings?: boolean;
  /** Takes over from the sender when a drain has no more time; absent: blocks stay in the outbox. */
  createSpill?(context: SenderContext): Sender & { readonly objects: number };
}

export interface KinesisOutput extends Output, ConnectionSettings {
  streamName: string;
  requestRecordsMax: number;
  requestBytesMax: number;
  /** Backoff of failed requests and records; they are never given up. */
  retryBaseMs: number;
  retryMaxMs: number;
}

/** A `<filter>` or a `<match>`. */
export type Stage = StageHead & ({ kind: 'filter'; filter: Filter } | { kind: 'match'; target: Target });

interface StageHead {
  /** file:line of the section. */
  where: string;
  /** Tag pattern as written: `app.**`, `{a,b}.*`, `/re/`, several separated by spaces. */
  pattern: string;
  /** The same as anchored expressions; any of them matches. */
  expressions: RegExp[];
}

export type Target =
  | { type: 'output'; output: Output }
  | { type: 'copy'; targets: Target[] }
  | { type: 'relabel'; label: string };
