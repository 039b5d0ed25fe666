import type { Clock } from '@millrace/core/runtime/clock.ts';
import { type CountersConfig, countedFields } from './config.ts';
import { otherValue } from './dimension-value.ts';
import type { CounterTelemetry } from './events.ts';
import { type Count, Series } from './series.ts';
import { readShardCounts } from './shard-counts.ts';

const minuteMs = 60_000;
/**
 * CloudWatch takes metrics of the last two weeks and of the next two hours
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#about_timestamp). Counts wait here,
 * and lines need some time to get there.
 */
const pastMs = 14 * 24 * 60 * minuteMs - 60 * minuteMs;
const aheadMs = 2 * 60 * minuteMs - 5 * minuteMs;
/** Lines written at a time: a backfill of events of many minutes must not cost more than it has to. */
const linesMax = 5_000;
/** Minutes of series that wait for their line. */
const heldMax = 50_000;

export interface CountPublisherOptions {
  config: CountersConfig;
  clock: Clock;
  /** Its log has the lines, whatever level others are configured to. */
  telemetry: CounterTelemetry;
}

/**
 * Adds up what the shards' processes count, and writes it as lines of the log in CloudWatch's Embedded Metric Format:
 * CloudWatch Logs makes metrics of them, so that no program needs rights or an SDK for that
 * (docs/decisions/0010). What is late is a line of its own: values of one minute and the same dimensions are added up there.
 */
export class CountPublisher {
  readonly #options: CountPublisherOptions;
  readonly #fields: string[];
  readonly #series: Series;
  /** Events since the last lines. */
  #told = { counters_other: 0, counters_untimely: 0, counters_full: 0 };

  constructor(options: CountPublisherOptions) {
    this.#options = options;
    this.#fields = countedFields(options.config);
    this.#series = new Series({ seriesMax: options.config.series_max, heldMax, clock: options.clock });
  }

  /** True when the line is a shard's counts and was taken. */
  take(line: string): boolean {
    const counts = readShardCounts(line, this.#fields.length);
    if (counts === undefined) return false;
    const nowMs = this.#options.clock.now();
    for (const { values, minute, events } of counts) {
      const aheadOfNowMs = minute * minuteMs - nowMs;
      if (aheadOfNowMs < -pastMs || aheadOfNowMs > aheadMs) this.#told.counters_untimely += events;
      else this.#add(values, minute, events);
    }
    return true;
  }

  /** Writes lines every interval until the signal ends it; what is left then is for `publish`. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(config.interval_ms, signal);
      if (signal.aborted) return;
      this.#write(this.#series.takeNearest(linesMax, clock.now() / minuteMs));
    }
  }

  /** Writes all that is held. */
  publish(): void {
    this.#write(this.#series.take());
  }

  #add(values: Count['values'], minute: number, events: number): void {
    if (this.#series.add(values, minute, events)) return;
    // The past must not keep out what happens now.
    this.#told.counters_full += this.#series.thin(this.#options.clock.now() / minuteMs);
    this.#series.add(values, minute, events);
  }

  #write(counts: Count[]): void {
    const { emit } = this.#options.telemetry;
    const told = this.#told;
    for (const count of counts) {
      if (count.values === undefined) told.counters_other += count.events;
      emit('events_counted', this.#lineOf(count));
    }
    this.#told = { counters_other: 0, counters_untimely: 0, counters_full: 0 };
    for (const name of Object.keys(told) as (keyof typeof told)[])
      if (told[name] > 0) emit(name, { events: told[name] });
  }

  #lineOf({ minute, values, events }: Count): Record<string, unknown> {
    const { namespace, dimensions } = this.#options.config;
    const own = this.#fields.map((name, i): [string, unknown] => [name, values?.[i] ?? otherValue]);
    return {
      _aws: {
        Timestamp: minute * minuteMs,
        CloudWatchMetrics: [
          {
            Namespace: namespace,
            Dimensions: dimensions,
            Metrics: [{ Name: 'events', Unit: 'Count' }],
          },
        ],
      },
      ...Object.fromEntries(own),
      events,
    };
  }
}
