import { fieldReader, type SeenEvent } from '@millrace/core/document/seen-event.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { type CountersConfig, countedFields } from './config.ts';
import { dimensionValue } from './dimension-value.ts';
import { type Count, Series, type Value } from './series.ts';

/** Minutes of series that a shard's process holds before it tells of them ahead of time. */
const heldMax = 10_000;
/** Of one line. */
const countsMax = 100;
const opening = '{"event":"shard_counts"';

export interface ShardCountsOptions {
  config: CountersConfig;
  clock: Clock;
  /** Takes a line for the main process. */
  write(line: string): void;
}

/** Counts a shard's events, and tells the main process how many more there are: see publish.ts. */
export class ShardCounts {
  readonly #readers: ((event: SeenEvent) => Value)[];
  /** Of the event at hand. */
  readonly #values: Value[];
  readonly #series: Series;
  readonly #write: (line: string) => void;

  constructor({ config, clock, write }: ShardCountsOptions) {
    this.#readers = countedFields(config).map((name) => fieldReader(name) ?? (() => undefined));
    this.#values = this.#readers.map(() => undefined);
    this.#series = new Series({ seriesMax: config.series_max, heldMax, clock });
    this.#write = write;
  }

  /** Counts an event; a few hundred nanoseconds at most, as each is seen here. */
  readonly see = (event: SeenEvent): void => {
    const values = this.#values;
    for (let i = 0; i < values.length; i++) values[i] = this.#readers[i]?.(event);
    const minute = Math.floor(event.seconds / 60);
    if (this.#series.add(values, minute, 1)) return;
    this.tell();
    this.#series.add(values, minute, 1);
  };

  /** Tells what was counted since the last time. */
  tell(): void {
    const counts = this.#series.take();
    for (let at = 0; at < counts.length; at += countsMax) {
      const some = counts.slice(at, at + countsMax).map(({ minute, events, values }) => [
        minute,
        events,
        // ASCII: nothing in a line may look like the end of one.
        ...(values ?? []).map(dimensionValue),
      ]);
      this.#write(`${opening},"counts":${JSON.stringify(some)}}\n`);
    }
  }
}

/** What a line says of events by so many fields; undefined for all other lines, and for one that is cut short. */
export function readShardCounts(line: string, fields: number): Count[] | undefined {
  if (!line.startsWith(opening)) return undefined;
  try {
    const { counts } = JSON.parse(line) as { counts: unknown };
    return Array.isArray(counts) && counts.every((count) => isCount(count, fields))
      ? counts.map(([minute, events, ...values]) => ({
          minute,
          events,
          values: values.length === 0 ? undefined : values,
        }))
      : undefined;
  } catch {
    return undefined; // by a process that was killed
  }
}

function isCount(value: unknown, fields: number): value is [number, number, ...string[]] {
  if (!Array.isArray(value)) return false;
  const [minute, events, ...values] = value;
  return (
    Number.isSafeInteger(minute) &&
    Number.isSafeInteger(events) &&
    events > 0 &&
    (values.length === 0 || values.length === fields) &&
    values.every((each) => typeof each === 'string')
  );
}
