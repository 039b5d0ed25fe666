import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { Reminder } from '@millrace/core/runtime/reminder.ts';
import type { ConsumerTelemetry } from '../events.ts';

/** A shard's item in the lease table. */
export interface Lease {
  shard: string;
  /** Grows whenever its holder renews it, or another takes it. */
  counter: string;
  /** The shard was split or merged, and is read to its end. */
  ended: boolean;
}

export interface LeaseWatchOptions {
  leases: (signal: AbortSignal) => Promise<Lease[]>;
  /** How long a lease has to be taken over, milliseconds. */
  failoverMs: number;
  clock: Clock;
  telemetry: Pick<ConsumerTelemetry, 'emit' | 'gauge'>;
}

/** By shard: the counter of the last look, and at how many looks in a row it was the same. */
type Seen = Map<string, { counter: string; looks: number }>;

/** Looks at which a lease was the same before it counts as unread: at one alone, its holder may have slept as we did. */
const looksMax = 3;
const lookMsMin = 20_000;

/**
 * Watches for shards that nobody reads. No process of theirs is there to tell their lag, so nothing else would say
 * that a whole shard stands still: too few workers, or a bound on leases that is too low.
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #seen: Seen = new Map();
  #unread: string[] = [];
  #blind = false;
  readonly #reminder: Reminder;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
    this.#reminder = new Reminder(options.clock);
    const help = 'Shards whose lease nobody renews: their records wait in the stream.';
    options.telemetry.gauge('shards_unread', help, () => this.#unread.length);
  }

  /** Looks again and again until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, failoverMs } = this.#options;
    while (!signal.aborted) {
      await this.look(signal);
      await clock.sleep(Math.max(lookMsMin, 2 * failoverMs), signal);
    }
  }

  async look(signal: AbortSignal): Promise<void> {
    const { leases, telemetry } = this.#options;
    try {
      this.#compare(await leases(signal));
      this.#blind = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!this.#blind) telemetry.emit('leases_unseen', { error: messageOf(error) });
      this.#blind = true;
    }
  }

  #compare(leases: Lease[]): void {
    const { emit } = this.#options.telemetry;
    const seen: Seen = new Map();
    for (const { shard, counter, ended } of leases) {
      if (ended) continue;
      const before = this.#seen.get(shard);
      seen.set(shard, { counter, looks: before?.counter === counter ? before.looks + 1 : 0 });
    }
    this.#seen = seen;
    const before = this.#unread;
    this.#unread = [...seen].filter(([, { looks }]) => looks >= looksMax).map(([shard]) => shard);
    const fresh = this.#unread.filter((shard) => !before.includes(shard));
    if (this.#unread.length > 0 && (this.#reminder.due() || fresh.length > 0)) {
      const some = (fresh.length > 0 ? fresh : this.#unread).slice(0, 5);
      emit('shards_unread', { shards: this.#unread.length, some });
    }
    if (this.#unread.length > 0 || before.length === 0) return;
    this.#reminder.over();
    emit('shards_read');
  }
}

/** The leases of a KCL application. Its table holds some hundred small items. */
export async function readLeases(
  dynamo: DynamoDBClient,
  table: string,
  signal: AbortSignal,
): Promise<Lease[]> {
  const leases: Lease[] = [];
  const pages = paginateScan({ client: dynamo }, { TableName: table }, { abortSignal: signal });
  for await (const { Items = [] } of pages) {
    for (const { leaseKey, leaseCounter, checkpoint } of Items) {
      leases.push({
        shard: leaseKey?.S ?? '',
        counter: leaseCounter?.N ?? '',
        ended: checkpoint?.S === 'SHARD_END',
      });
    }
  }
  return leases;
}
