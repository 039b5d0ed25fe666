import type { Clock } from '@millrace/core/runtime/clock.ts';
import { countLimits, dayMs } from '../count-steps.ts';
import { byKeys, evenBounds, keySpace, unevenBounds } from '../hash-range.ts';
import type { World } from '../look.ts';
import { planOperations } from '../operations.ts';
import type { Answer, Lease, ReshardHistory, Shard } from '../ports.ts';

export interface FakeOptions {
  shards: number;
  accountShards: number;
  /** Open shards of other streams of the account. */
  others: number;
  /** How long a change takes. */
  updateMs: number;
  /** How long the consumer takes for what is in a closed shard. */
  drainMs: number;
  retentionMs: number;
  onDemand: boolean;
  /** False: as the local stand-in. */
  hasCount: boolean;
  /** UpdateShardCount says yes and does nothing. */
  lazyCount: boolean;
  /** `absent`: no lease table · `stopped`: leases that nobody renews · `late`: takes no children. */
  consumer: 'reads' | 'absent' | 'stopped' | 'late';
  /** Age of the oldest record that is not archived. */
  behindMs: number;
}

const defaults: FakeOptions = {
  shards: 2,
  accountShards: 500,
  others: 0,
  updateMs: 3_000,
  drainMs: 7_000,
  retentionMs: dayMs,
  onDemand: false,
  hasCount: true,
  lazyCount: false,
  consumer: 'reads',
  behindMs: 0,
};

const renewMs = 3_000;
/** Who has not renewed for so long was there for all to see. */
const deadMs = 25_000;
/** Leases that nobody holds are taken as often as this. */
const takeMs = 20_000;

/**
 * A stream with the limits of Kinesis that no local engine has (UpdateShardCount's, the account's), and a consumer that
 * follows as the KCL does: children get a lease when their parents are read to the end. Time passes when somebody sleeps.
 */
export class FakeKinesis {
  readonly options: FakeOptions;
  readonly shards: (Shard & { closedMs: number })[] = [];
  readonly leases = new Map<string, Lease>();
  /** What was asked for, in order, and taken. */
  readonly calls: string[] = [];
  /** What Kinesis or the consumer would have suffered from: must stay empty. */
  readonly harm: string[] = [];
  history: ReshardHistory = { latestMs: undefined, countCalls: [], begun: undefined };
  /** How often it was written. */
  remembered = 0;
  mostOpen = 0;
  leastOpen = Number.POSITIVE_INFINITY;
  nowMs = Date.UTC(2026, 1, 3);
  /** Called when a change is asked for; one that throws ends the run there, as kill -9 would. */
  onChange: (() => void) | undefined;
  #busyUntilMs = 0;
  readonly #counts: number[] = [];
  readonly #renewedMs = new Map<string, number>();

  constructor(options: Partial<FakeOptions> = {}) {
    this.options = { ...defaults, ...options };
    const bounds = [0n, ...evenBounds(this.options.shards), keySpace];
    for (let i = 0; i + 1 < bounds.length; i++) this.#open(bounds[i] ?? 0n, (bounds[i + 1] ?? 0n) - 1n, []);
    if (this.options.consumer !== 'absent') for (const { id } of this.shards) this.#lease(id, 'worker');
    this.#measure();
  }

  get open(): Shard[] {
    return byKeys(this.shards.filter((shard) => shard.open));
  }

  get world(): World {
    const clock = {
      now: () => this.nowMs,
      monotonic: () => this.nowMs,
      sleep: async (ms: number) => this.#pass(ms),
    } as Clock;
    return {
      clock,
      leases: {
        leases: async () => {
          if (this.options.consumer === 'absent') return undefined;
          return [...this.leases.values()].map((lease) => ({ ...lease }));
        },
        close: () => undefined,
      },
      stream: {
        state: async () => ({
          name: 'fake',
          status: this.#busy ? 'UPDATING' : 'ACTIVE',
          onDemand: this.options.onDemand,
          retentionMs: this.options.retentionMs,
          shardMetrics: false,
          fanOutConsumers: 0,
        }),
        shards: async () => this.shards.map((shard) => ({ ...shard })),
        limits: async () => {
          if (!this.options.hasCount) return undefined;
          return {
            shardsMax: this.options.accountShards,
            shardsOpen: this.open.length + this.options.others,
          };
        },
        updateCount: async (count) => this.#taken(`count ${count}`, () => this.#updateCount(count)),
        split: async (shard, at) => this.#taken(`split ${shard}`, () => this.#split(shard, at)),
        merge: async (lower, upper) =>
          this.#taken(`merge ${lower} ${upper}`, () => this.#merge(lower, upper)),
        behindMs: async () => this.options.behindMs,
        history: async () => this.history,
        remember: async (history) => {
          if (this.#busy) return { kind: 'busy', message: 'ResourceInUseException' };
          this.history = history;
          this.remembered++;
          return { kind: 'started' };
        },
        close: () => undefined,
      },
    };
  }

  /** Somebody else begins a change. */
  disturb(ms: number): void {
    this.#busyUntilMs = this.nowMs + ms;
  }

  get #busy(): boolean {
    return this.nowMs < this.#busyUntilMs;
  }

  #taken(call: string, change: () => Answer): Answer {
    this.onChange?.();
    if (this.#busy) return { kind: 'busy', message: 'not ACTIVE' };
    const answer = change();
    if (answer.kind !== 'started') return answer;
    this.calls.push(call);
    this.#busyUntilMs = this.nowMs + this.options.updateMs;
    return answer;
  }

  #updateCount(count: number): Answer {
    const open = this.open.length;
    if (!this.options.hasCount) return { kind: 'unsupported', message: 'UnknownOperationException' };
    if (count > open * countLimits.growth || count < open / countLimits.shrink || count === open)
      throw new Error(`InvalidArgumentException: ${open} to ${count}`);
    const recent = this.#counts.filter((at) => at > this.nowMs - dayMs);
    if (recent.length >= countLimits.callsPerDay) return { kind: 'limit', message: 'ten calls in 24 hours' };
    this.#counts.push(this.nowMs);
    for (const { id } of this.open) this.#requireRead(id);
    if (this.options.lazyCount) return { kind: 'started' };
    for (let left = planOperations(this.open, count, Number.POSITIVE_INFINITY); left.length > 0; ) {
      const [operation] = left;
      if (operation?.kind === 'split') this.#split(operation.shard, operation.at, true);
      else if (operation !== undefined) this.#merge(operation.lower, operation.upper, true);
      left = planOperations(this.open, count, Number.POSITIVE_INFINITY);
    }
    return { kind: 'started' };
  }

  #split(id: string, at: bigint, inside = false): Answer {
    const shard = this.shards.find((one) => one.id === id && one.open);
    if (shard === undefined || at <= shard.from + 1n || at >= shard.to)
      throw new Error(`InvalidArgumentException: split of ${id}`);
    if (this.open.length + 1 + this.options.others > this.options.accountShards)
      return { kind: 'limit', message: 'the account has no shards left' };
    this.#close(shard, inside);
    this.#open(shard.from, at - 1n, [id]);
    this.#open(at, shard.to, [id]);
    this.#measure();
    return { kind: 'started' };
  }

  #merge(lower: string, upper: string, inside = false): Answer {
    const [one, two] = [lower, upper].map((id) => this.shards.find((shard) => shard.id === id && shard.open));
    if (one === undefined || two === undefined || one.to + 1n !== two.from)
      throw new Error(`InvalidArgumentException: ${lower} and ${upper} are not adjacent`);
    this.#close(one, inside);
    this.#close(two, inside);
    this.#open(one.from, two.to, [lower, upper]);
    this.#measure();
    return { kind: 'started' };
  }

  #open(from: bigint, to: bigint, parents: string[]): void {
    const id = `shardId-${String(this.shards.length).padStart(12, '0')}`;
    this.shards.push({ id, parents, from, to, open: true, closedMs: 0 });
  }

  #close(shard: Shard & { closedMs: number }, inside: boolean): void {
    shard.open = false;
    shard.closedMs = this.nowMs;
    if (!inside) this.#requireRead(shard.id);
  }

  #requireRead(shard: string): void {
    const lease = this.leases.get(shard);
    const reads = lease?.owner !== undefined && this.nowMs - (this.#renewedMs.get(shard) ?? 0) < deadMs;
    if (!reads && this.options.consumer !== 'absent')
      this.harm.push(`${shard} was closed before anybody read it`);
  }

  #measure(): void {
    const open = this.open;
    this.mostOpen = Math.max(this.mostOpen, open.length);
    this.leastOpen = Math.min(this.leastOpen, open.length);
    if (open.length + this.options.others > this.options.accountShards)
      this.harm.push('over the account limit');
    let next = 0n;
    for (const { from, to } of open) {
      if (from !== next) this.harm.push(`hash keys from ${next} to ${from} are in no shard, or in two`);
      next = to + 1n;
    }
    if (next !== keySpace) this.harm.push('the last hash keys are in no shard');
  }

  #lease(shard: string, owner: string | undefined): void {
    this.leases.set(shard, { shard, owner, counter: '1', checkpoint: 'TRIM_HORIZON' });
    this.#renewedMs.set(shard, this.nowMs);
  }

  #pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs = Math.min(endMs, this.nowMs + 1_000);
      if (this.options.consumer === 'reads' || this.options.consumer === 'late') this.#follow();
    }
  }

  #follow(): void {
    for (const lease of this.leases.values()) {
      if (lease.owner !== undefined && this.nowMs % renewMs < 1_000) {
        lease.counter = String(Number(lease.counter) + 1);
        this.#renewedMs.set(lease.shard, this.nowMs);
      }
      if (lease.checkpoint !== 'SHARD_END' && this.nowMs % takeMs < 1_000) lease.owner ??= 'worker';
      const shard = this.shards.find(({ id }) => id === lease.shard);
      if (shard === undefined || shard.open || this.nowMs - shard.closedMs < this.options.drainMs) continue;
      lease.checkpoint = 'SHARD_END';
      lease.owner = undefined;
    }
    if (this.options.consumer === 'late') return;
    for (const { id, parents } of this.shards) {
      const ready = parents.every((parent) => this.leases.get(parent)?.checkpoint === 'SHARD_END');
      if (ready && !this.leases.has(id)) this.#lease(id, undefined);
    }
  }

  /** Whether its open shards are `count` even ones. */
  isEven(count: number): boolean {
    const { missing, wrong } = unevenBounds(this.open, count);
    return this.open.length === count && missing.length === 0 && wrong.length === 0;
  }
}
