import type { Clock } from '@millrace/core/runtime/clock.ts';

/** A value of a field as a record has it; undefined: it has none. */
export type Value = string | number | bigint | boolean | undefined;

/** Events of one minute that have the same values. */
export interface Count {
  /** Minutes since 1970; may be negative. */
  minute: number;
  events: number;
  /** One for each field; undefined for events of more combinations than are told apart. */
  values: readonly Value[] | undefined;
}

export interface SeriesOptions {
  /** Combinations of values that are told apart. */
  seriesMax: number;
  /** Minutes of all of them that are held. */
  heldMax: number;
  clock: Clock;
}

/** A combination that no event had for this long gives its place up. */
const keptMs = 3_600_000;
/** UTF-16 units of a value: what is longer is another's beginning at most. */
const unitsMax = 255;

/**
 * Counts by combination of values and minute, of which there is a bound for both. The first combinations stay told
 * apart as long as they have events, so that the metrics of a day are the same ones all day.
 */
export class Series {
  readonly #options: SeriesOptions;
  #root: Branch = new Map();
  #all: Line[] = [];
  readonly #other: Line;
  #held = 0;

  constructor(options: SeriesOptions) {
    this.#options = options;
    this.#other = new Line(undefined, options.clock.monotonic());
  }

  /** Minutes of series that are held. */
  get held(): number {
    return this.#held;
  }

  /**
   * Counts events of these values, one for each field, always as many; undefined: of no series in particular. False: no
   * room, nothing is counted.
   */
  add(values: readonly Value[] | undefined, minute: number, events: number): boolean {
    const line = values === undefined ? this.#other : this.#lineOf(values);
    if (line.add(minute, events)) return true;
    if (this.#held >= this.#options.heldMax) return false;
    this.#held++;
    line.begin(minute, events);
    return true;
  }

  /** Hands out what was counted; it is not held any more. */
  take(): Count[] {
    const nowMs = this.#options.clock.monotonic();
    const counts: Count[] = [];
    for (const line of [...this.#all, this.#other]) {
      if (line.minutes.size > 0) line.usedMs = nowMs;
      for (const [minute, events] of line.take()) counts.push({ minute, events, values: line.values });
    }
    this.#held = 0;
    this.#forget(nowMs);
    return counts;
  }

  /** Hands out at most so many, those nearest to a minute; the others stay. */
  takeNearest(countsMax: number, near: number): Count[] {
    const counts = byDistance(this.take(), near);
    for (const { values, minute, events } of counts.splice(countsMax)) this.add(values, minute, events);
    return counts;
  }

  /** Makes room: half of what is held stays, that nearest to a minute. Returns the events that are given up. */
  thin(near: number): number {
    const counts = byDistance(this.take(), near);
    const given = counts.splice(this.#options.heldMax >> 1);
    for (const { values, minute, events } of counts) this.add(values, minute, events);
    return given.reduce((sum, { events }) => sum + events, 0);
  }

  #lineOf(values: readonly Value[]): Line {
    let at: Branch | Line | undefined = this.#root;
    for (const value of values) {
      at = (at as Branch).get(keyOf(value));
      if (at === undefined) return this.#admit(values);
    }
    return at as Line;
  }

  #admit(values: readonly Value[]): Line {
    if (this.#all.length >= this.#options.seriesMax) return this.#other;
    const line = new Line(values.map(ownValue), this.#options.clock.monotonic());
    this.#all.push(line);
    this.#plant(line);
    return line;
  }

  #plant(line: Line): void {
    const values = line.values ?? [];
    let branch = this.#root;
    for (const value of values.slice(0, -1)) {
      const next = (branch.get(value) as Branch | undefined) ?? new Map();
      branch.set(value, next);
      branch = next;
    }
    branch.set(values.at(-1), line);
  }

  #forget(nowMs: number): void {
    const used = this.#all.filter(({ usedMs }) => nowMs - usedMs < keptMs);
    if (used.length === this.#all.length) return;
    this.#all = used;
    this.#root = new Map();
    for (const line of used) this.#plant(line);
  }
}

type Branch = Map<Value, Branch | Line>;

/** One combination of values. */
class Line {
  readonly values: readonly Value[] | undefined;
  minutes = new Map<number, number>();
  usedMs: number;
  /** The minute that came last, and what is not in `minutes` of it yet: most events are of the same one. */
  #minute = Number.NaN;
  #events = 0;

  constructor(values: readonly Value[] | undefined, nowMs: number) {
    this.values = values;
    this.usedMs = nowMs;
  }

  /** False for a minute that was not begun. */
  add(minute: number, events: number): boolean {
    if (minute !== this.#minute) {
      if (!this.minutes.has(minute)) return false;
      this.#settle();
      this.#minute = minute;
    }
    this.#events += events;
    return true;
  }

  begin(minute: number, events: number): void {
    this.#settle();
    this.minutes.set(minute, 0);
    this.#minute = minute;
    this.#events = events;
  }

  take(): Map<number, number> {
    this.#settle();
    this.#minute = Number.NaN;
    const taken = this.minutes;
    this.minutes = new Map();
    return taken;
  }

  #settle(): void {
    if (this.#events > 0)
      this.minutes.set(this.#minute, (this.minutes.get(this.#minute) ?? 0) + this.#events);
    this.#events = 0;
  }
}

function byDistance(counts: Count[], near: number): Count[] {
  return counts.sort((a, b) => Math.abs(a.minute - near) - Math.abs(b.minute - near));
}

function keyOf(value: Value): Value {
  return typeof value === 'string' && value.length > unitsMax ? value.slice(0, unitsMax) : value;
}

/** A value to keep: one cut out of a block's text would keep all of that text. */
function ownValue(value: Value): Value {
  const key = keyOf(value);
  return typeof key === 'string' ? Buffer.from(key, 'utf16le').toString('utf16le') : key;
}
