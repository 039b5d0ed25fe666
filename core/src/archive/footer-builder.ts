import type { BlockHeader, Exception, Run, Source } from '../wire/block.ts';
import type { DatedStretch, EventTimes, Footer, FooterBlock, FooterSource } from './footer.ts';
import { ControlNotes, mergedStretches } from './footer-notes.ts';

/** Stretches of a source, after which they are put together: half of what is kept for good. */
const datedMax = 512;

/** Gathers an object's footer while blocks are appended; memory grows with sources and gaps, not with events. */
export class FooterBuilder {
  readonly #stream: string;
  readonly #blocks: FooterBlock[] = [];
  readonly #ids = new Map<string, FooterBlock>();
  readonly #sources = new Map<string, FooterSource>();
  readonly #filters = new Set<string>();
  /** Hosts, tags and rules, which the footer holds once each, by the number in which they came. */
  readonly #names = new Map<string, number>();
  readonly #days = new Map<string, number>();
  readonly #control = new ControlNotes();
  #daysKnown = true;
  #offset = 0;
  #weight = 0;
  #payloadBytes = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** Length of the blocks so far: where the next one begins, or the footer. */
  get offset(): number {
    return this.#offset;
  }

  get blocks(): number {
    return this.#blocks.length;
  }

  /** Rough size of the encoded footer, bytes; an object is closed before it comes near footerBytesMax. */
  get weight(): number {
    return this.#weight + this.#control.weight;
  }

  /** Whether a block of this id is in the object: a send that was retried, it need not be written again. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(block: Omit<FooterBlock, 'offset'>, header: BlockHeader): void {
    const placed: FooterBlock = { offset: this.#offset, ...block };
    // What agents say is no event.
    if (header.runs.length === 0) placed.times = 'none';
    this.#blocks.push(placed);
    this.#ids.set(block.id, placed);
    this.#offset += block.length;
    this.#weight += 62;
    if (header.control) this.#control.add(header.host, header.agent, header.control);
    const sources = header.sources.map((source) => this.#source(header, source));
    for (const run of header.runs) {
      const source = sources[run.source];
      if (source === undefined) throw new TypeError('run without a source');
      this.#run(source, run);
    }
  }

  /** Counts events of a source that `header` has, for the day and for the stretch of the file that they stand in. */
  addDated(header: BlockHeader, source: Source, stretch: DatedStretch): void {
    this.addDay(stretch.date, stretch.events);
    if (!this.#days.has(stretch.date)) return;
    const known = this.#source(header, source);
    known.dated ??= [];
    const last = known.dated.at(-1);
    if (last !== undefined && last.date === stretch.date && last.to === stretch.from) {
      last.to = stretch.to;
      last.events += stretch.events;
      return;
    }
    known.dated.push({ ...stretch });
    this.#weight += 6;
    if (known.dated.length < 2 * datedMax) return;
    const before = known.dated.length;
    known.dated = mergedStretches(known.dated);
    this.#weight -= 6 * (before - known.dated.length);
  }

  /** All events of the block `id` lie in these times. */
  setTimes(id: string, times: EventTimes | 'none'): void {
    const block = this.#ids.get(id);
    if (block !== undefined) block.times = times;
  }

  /** Counts `events` for the date part of an index name. */
  addDay(date: string, events: number): void {
    const before = this.#days.get(date);
    // A block full of invented dates must not fill the footer; readers then have to assume any date.
    if (before === undefined && this.#days.size >= 1_000) this.#daysKnown = false;
    else this.#days.set(date, (before ?? 0) + events);
  }

  /** A block's dates are not known: the footer makes no statement about days. */
  daysUnknown(): void {
    this.#daysKnown = false;
  }

  build(): Footer {
    const sources = [...this.#sources.values()].map((source) => ({
      ...source,
      covered: mergedIntervals(source.covered),
      exceptions: mergedExceptions(source.exceptions),
      ...(source.dated ? { dated: mergedStretches(source.dated) } : {}),
    }));
    const footer: Footer = {
      stream: this.#stream,
      blocks: this.#blocks,
      sources,
      capturedFirstMs: Number.isFinite(this.#firstMs) ? this.#firstMs : 0,
      capturedLastMs: this.#lastMs,
      payloadBytes: this.#payloadBytes,
      control: this.#control.list(),
    };
    if (this.#daysKnown && this.#days.size > 0) {
      const days = [...this.#days].sort(([a], [b]) => (a < b ? -1 : 1));
      footer.days = days.map(([date, events]) => ({ date, events }));
    }
    return footer;
  }

  #source(header: BlockHeader, source: Source): FooterSource {
    const rule = header.rules[source.rule] ?? '';
    const generation = Buffer.from(source.generation);
    // By number: thousands of sources may share a rule of 64 KiB.
    const names = [header.host, source.tag, rule].map((name) => this.#name(name)).join();
    const key = `${generation.toString('latin1')}${names}\0${source.path}`;
    let known = this.#sources.get(key);
    if (known === undefined) {
      known = {
        generation,
        host: header.host,
        path: source.path,
        tag: source.tag,
        rule,
        covered: [],
        exceptions: [],
      };
      this.#sources.set(key, known);
      this.#weight += 64 + source.path.length;
    }
    return known;
  }

  #name(name: string): number {
    let known = this.#names.get(name);
    if (known === undefined) {
      known = this.#names.size;
      this.#names.set(name, known);
      this.#weight += 4 + name.length;
    }
    return known;
  }

  #run(source: FooterSource, run: Run): void {
    this.#payloadBytes += run.size;
    this.#firstMs = Math.min(this.#firstMs, run.capturedMs);
    this.#lastMs = Math.max(this.#lastMs, run.capturedMs);
    if (run.to === run.from) return;
    const last = source.covered.at(-1);
    if (last !== undefined && last.to === run.from) {
      last.to = run.to;
    } else {
      source.covered.push({ from: run.from, to: run.to });
      this.#weight += 8;
    }
    for (const item of run.exceptions ?? []) {
      const before = source.exceptions.at(-1);
      if (before !== undefined && touches(before, item)) extend(before, item);
      else {
        source.exceptions.push({ ...item });
        this.#weight += 10 + (this.#filters.has(item.by) ? 0 : item.by.length);
        this.#filters.add(item.by);
      }
    }
  }
}

function mergedIntervals(intervals: FooterSource['covered']): FooterSource['covered'] {
  const merged: FooterSource['covered'] = [];
  for (const { from, to } of [...intervals].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

function mergedExceptions(exceptions: Exception[]): Exception[] {
  const merged: Exception[] = [];
  for (const item of [...exceptions].sort((a, b) => a.from - b.from || a.length - b.length)) {
    const last = merged.at(-1);
    if (last !== undefined && touches(last, item)) extend(last, item);
    else merged.push({ ...item });
  }
  return merged;
}

function touches(a: Exception, b: Exception): boolean {
  return a.by === b.by && a.from + a.length === b.from;
}

function extend(a: Exception, b: Exception): void {
  a.length += b.length;
  a.shipped += b.shipped;
}
