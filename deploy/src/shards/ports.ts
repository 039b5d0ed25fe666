import type { HashRange } from './hash-range.ts';

/** A shard as the stream lists it: also closed ones, as long as their records are kept. */
export interface Shard extends HashRange {
  id: string;
  /** One after a split, two after a merge; they may be forgotten by the stream. */
  parents: string[];
  /** Takes records. */
  open: boolean;
}

export interface StreamState {
  name: string;
  /** ACTIVE, UPDATING, CREATING or DELETING. */
  status: string;
  onDemand: boolean;
  retentionMs: number;
  /** Whether CloudWatch has metrics of each shard ("enhanced"). */
  shardMetrics: boolean;
  /** Consumers with enhanced fan-out, ours or others. */
  fanOutConsumers: number;
}

/** Open shards of all provisioned streams of the account in the region. */
export interface AccountLimits {
  shardsMax: number;
  shardsOpen: number;
}

/** What came of asking for a change. */
export type Answer = { kind: 'started' } | { kind: 'unsupported' | 'busy' | 'limit'; message: string };

/** A change of the shards as it was noted before it was asked for. */
export interface Begun {
  /** Milliseconds since 1970, of whole seconds. */
  atMs: number;
  /** Open shards that are wanted in the end. */
  count: number;
  /** By UpdateShardCount. */
  byCount: boolean;
  /** Number of the newest shard before it. */
  newest: number;
}

/** When Millrace changed the shards, milliseconds since 1970. */
export interface ReshardHistory {
  latestMs: number | undefined;
  /** Calls of UpdateShardCount, at most the last ten. */
  countCalls: number[];
  /** By whoever began one last. Whether it was made is told by the shards (history.ts). */
  begun: Begun | undefined;
}

/** One stream. Every method: @throws MillraceError STREAM_UNAVAILABLE */
export interface Stream {
  state(): Promise<StreamState>;
  /** While the stream is not ACTIVE some may be there and others not yet. */
  shards(): Promise<Shard[]>;
  /** Undefined where the engine has none. */
  limits(): Promise<AccountLimits | undefined>;
  updateCount(count: number): Promise<Answer>;
  split(shard: string, at: bigint): Promise<Answer>;
  merge(lower: string, upper: string): Promise<Answer>;
  /**
   * Age of the oldest record of a shard that a checkpoint (sequence number, TRIM_HORIZON or LATEST) does not cover,
   * milliseconds: what the retention is to be compared with. Takes one of the shard's five reads a second; undefined
   * when there is none to spare.
   */
  behindMs(shard: string, checkpoint: string): Promise<number | undefined>;
  history(): Promise<ReshardHistory>;
  /** Takes the place of what was remembered before; `busy` while the stream is not ACTIVE. */
  remember(history: ReshardHistory): Promise<Answer>;
  close(): void;
}

/** A shard's item in the lease table of the consumer. */
export interface Lease {
  shard: string;
  owner: string | undefined;
  /** Grows whenever its holder renews it. */
  counter: string;
  checkpoint: string;
}

export interface LeaseTable {
  /** Undefined when the application has no table: nothing of Millrace ever read the stream. */
  leases(): Promise<Lease[] | undefined>;
  close(): void;
}

/** Per second. */
export interface Rate {
  bytes: number;
  records: number;
  /** Undefined where only the stream is measured: what is in a block is not known there. */
  events: number | undefined;
}

export interface ShardLoad extends Rate {
  /** Refused writes in the window. */
  throttled: number;
  iteratorAgeMs: number | undefined;
}

/** What came into the stream. */
export interface Load {
  /** For people: where this was measured, and over which time. */
  source: string;
  /** The busiest minute, or the whole time where it is less. */
  peak: Rate;
  mean: Rate;
  throttled: number;
  iteratorAgeMs: number | undefined;
  /** Peaks; empty without metrics of each shard. */
  shards: Map<string, ShardLoad>;
}

export interface LoadMeter {
  /** Of the last `windowMs`; undefined when nothing was measured. Of these shards each by itself, where that is known. */
  load(windowMs: number, shards: string[]): Promise<Load | undefined>;
  close(): void;
}
