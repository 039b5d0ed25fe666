import type { FooterSource } from '@millrace/core/archive/footer.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import type { Sighting } from '@millrace/core/wire/control.ts';
import { Coverage, type Interval } from './coverage.ts';
import { EventCounts, pendingMax } from './event-counts.ts';

/** One look at a file: `size` and `position` as they were at `atMs`. */
export interface Sample {
  atMs: number;
  size: number;
  position: number;
}

/** What was destroyed before it was read. */
export interface Vanished extends Interval {
  atMs: number;
}

/** An event that the store does not have, as its mark says. */
export interface SetAsideEvent {
  /** Event id. */
  id: string;
  /** Offset of its record. */
  offset: number;
  reason: string;
  object: string;
  /** Where its block lies in the object; absent where the mark does not say. */
  block?: { offset: number; length: number };
  index?: string;
  /** Bytes of its record, once they have been looked up. */
  bytes?: number;
}

/** What an object is, as far as an account wants to know. */
export interface ObjectFacts {
  key: string;
  /** Earliest capture time in it. */
  firstMs: number;
  writtenMs: number;
  /** The store has answered for its events. */
  marked: boolean;
}

/** Looks kept of one generation. */
const samplesMax = 5;
const pathsMax = 8;
/** Set-aside events kept of one generation. */
const setAsideMax = 1_000;

/** Everything that is known of one generation: sums and merged intervals, nothing that grows with objects. */
export class Account {
  readonly generation: string;
  /** When the generation was first seen: a UUIDv7 says it. */
  readonly mintedMs: number;
  readonly host: string;
  /** Every path it had, first to last. */
  readonly paths: string[] = [];
  tag: string;
  /** Identity of the agent that last spoke of it. */
  agent: string | undefined;
  readonly archived = new Coverage();
  readonly marked = new Coverage();
  /** Of objects without a mark; edges are when they were written. */
  unmarked: Coverage | undefined;
  /** Bytes by the rule that removed them. */
  removed: Map<string, number> | undefined;
  rewrittenBytes = 0;
  /** Events by date: of marked objects, and of those without a mark. */
  dates = new Map<string, EventCounts>();
  pendingDates: Map<string, EventCounts> | undefined;
  /** True when an object did not say how many events it has. */
  uncounted = false;
  samples: Sample[] = [];
  vanished: Vanished[] | undefined;
  ended: 'closed' | 'deleted' | undefined;
  setAside: SetAsideEvent[] | undefined;
  setAsideEvents = 0;

  constructor(generation: Uint8Array, host: string, tag: string) {
    this.generation = generationText(generation);
    this.mintedMs = Buffer.from(generation).readUIntBE(0, 6);
    this.host = host;
    this.tag = tag;
  }

  get path(): string {
    return this.paths.at(-1) ?? '';
  }

  named(path: string): void {
    if (this.paths.at(-1) === path) return;
    const at = this.paths.indexOf(path);
    if (at >= 0) this.paths.splice(at, 1);
    else if (this.paths.length >= pathsMax) this.paths.splice(1, 1);
    this.paths.push(path);
  }

  addSource(source: FooterSource, object: ObjectFacts): void {
    const fresh: Interval[] = [];
    for (const { from, to } of source.covered) {
      fresh.push(...this.archived.add(from, to, object.firstMs, object.writtenMs));
      if (object.marked) this.marked.add(from, to, object.firstMs, object.writtenMs);
      else {
        this.unmarked ??= new Coverage();
        this.unmarked.add(from, to, object.writtenMs, object.writtenMs);
      }
    }
    if (source.exceptions.length > 0 && fresh.length > 0) this.#addExceptions(source, fresh);
    if (source.dated === undefined && source.covered.length > 0) {
      // What was dropped as a whole has no events.
      const removed = source.exceptions.reduce(
        (sum, item) => sum + (item.shipped === 0 ? item.length : 0),
        0,
      );
      const covered = source.covered.reduce((sum, item) => sum + item.to - item.from, 0);
      if (removed < covered) this.uncounted = true;
    }
    for (const { date, from, to, events } of source.dated ?? []) {
      this.#countsOf(object.marked, date).add(from, to, events, object.writtenMs);
    }
  }

  addSighting(sighting: Sighting): void {
    const { kind, atMs, size, position } = sighting;
    this.named(sighting.path);
    if (kind === 'vanished') {
      this.vanished ??= [];
      const known = this.vanished.some((item) => item.from === position && item.to === size);
      if (!known) this.vanished.push({ from: position, to: size, atMs });
      return;
    }
    if (kind !== 'seen') this.ended = kind;
    this.#addSample({ atMs, size, position });
  }

  addSetAside(event: SetAsideEvent): void {
    this.setAside ??= [];
    // The same block in another object: both marks name it.
    if (this.setAside.some(({ id }) => id === event.id)) return;
    this.setAsideEvents++;
    if (this.setAside.length < setAsideMax) this.setAside.push(event);
  }

  /** Bytes removed by rules. */
  get removedBytes(): number {
    return [...(this.removed?.values() ?? [])].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The same stretch in another object is the same block: what was there before is not counted again. */
  #addExceptions(source: FooterSource, fresh: Interval[]): void {
    let at = 0;
    for (const { from, length, shipped, by } of source.exceptions) {
      while (at < fresh.length && (fresh[at]?.to ?? 0) <= from) at++;
      for (let i = at; i < fresh.length; i++) {
        const part = fresh[i];
        if (part === undefined || part.from >= from + length) break;
        const bytes = Math.min(part.to, from + length) - Math.max(part.from, from);
        if (shipped > 0) this.rewrittenBytes += bytes;
        else {
          this.removed ??= new Map();
          this.removed.set(by, (this.removed.get(by) ?? 0) + bytes);
        }
      }
    }
  }

  #countsOf(marked: boolean, date: string): EventCounts {
    this.pendingDates ??= marked ? undefined : new Map();
    const dates = marked ? this.dates : (this.pendingDates as Map<string, EventCounts>);
    let counts = dates.get(date);
    if (counts === undefined) {
      counts = marked ? new EventCounts() : new EventCounts(pendingMax);
      dates.set(date, counts);
    }
    return counts;
  }

  /** By time; of many the first ones are kept, which date what is missing since, and the newest. */
  #addSample(sample: Sample): void {
    const { samples } = this;
    const last = samples.at(-1);
    if (last !== undefined && last.size === sample.size && last.position === sample.position) {
      last.atMs = Math.min(last.atMs, sample.atMs);
      return;
    }
    let at = samples.length;
    while (at > 0 && (samples[at - 1]?.atMs ?? 0) > sample.atMs) at--;
    samples.splice(at, 0, sample);
    this.#forgetArchived();
    if (samples.length > samplesMax) samples.splice(samplesMax - 2, 1);
  }

  /** Looks at what has arrived since date nothing any more; the first says where reading was when it was first seen. */
  #forgetArchived(): void {
    const { samples, archived } = this;
    if (samples.length <= samplesMax) return;
    const [only] = archived.intervals;
    const end = archived.intervals.length === 1 && only !== undefined ? only.to : 0;
    const index = samples.findIndex(({ size }, i) => i > 0 && i < samples.length - 1 && size <= end);
    if (index > 0) samples.splice(index, 1);
  }
}
