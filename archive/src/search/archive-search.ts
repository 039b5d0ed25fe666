import type { EventTimes, FooterBlock } from '@millrace/core/archive/footer.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { compilePruner } from '@millrace/core/query/prune.ts';
import { compareHits } from '@millrace/core/store/hit-order.ts';
import type { Dsl, SearchHit, SortValues } from '@millrace/core/store/port.ts';
import type { ObjectStore } from '../object-store.ts';
import { retried } from '../retried.ts';
import { type FoundHit, searchHit } from './block-scanner.ts';
import { HitHeap } from './hit-heap.ts';
import { Room } from './room.ts';
import type { ScanLane, ScanPool } from './scan-pool.ts';
import type { ScanBlock } from './scan-worker.ts';
import { type Planned, type PlanOptions, type PlanRequest, planned } from './search-plan.ts';
import { always, bothOf, halvesOf, timesBehind, type Unit } from './units.ts';

export interface ArchiveSearchOptions extends PlanOptions {
  objects: ObjectStore;
  pool: ScanPool;
  /** Hits that wait for their turn, rough bytes. */
  heldBytesMax: number;
}

export interface ArchiveRequest extends PlanRequest {
  /** All conditions, those on time included. */
  query: Dsl;
  limit: number;
  after?: SortValues;
  highlight: boolean;
  /** Hits carry the bytes of their record. */
  raw?: boolean;
  /** The query lets no events of other seconds through; absent: it may. */
  within?: EventTimes;
  onProgress?(): void;
  /** Bytes read from the archive, and milliseconds, after which it ends with what it has. */
  bytesMax: number;
  timeMsMax: number;
}

/** Why not all was looked at that should be. */
export interface ArchiveShortfall {
  code: 'time' | 'rows' | 'archive_unreadable';
  message: string;
}

/** Objects, and bytes of theirs, looked at and known to be looked at; more may be known later. */
export interface ArchiveProgress {
  objects: number;
  objectsTotal: number;
  bytes: number;
  bytesTotal: number;
}

/** One search of the archive: its hits in order, each as soon as nothing that is unread can come before it. */
export class ArchiveSearch {
  readonly #options: ArchiveSearchOptions;
  readonly #request: ArchiveRequest;
  readonly #lane: ScanLane;
  readonly #heap: HitHeap;
  readonly #room: Room;
  readonly #plan: AsyncGenerator<Planned>;
  /** The caller's; `stop` is also for time that is up. */
  readonly #signal: AbortSignal;
  readonly #stop = new AbortController();
  /** The first in order last. */
  #units: Unit[] = [];
  readonly #running = new Map<Unit, Promise<void>>();
  readonly #copies = new Map<string, { key: string; block: FooterBlock }[]>();
  readonly #seen = new Set<string>();
  /** No hit has other times. */
  readonly #within: EventTimes;
  #rest: number;
  #planning = true;
  #failure: unknown;
  #given = 0;
  /** Bytes of the units that were begun. */
  #asked = 0;
  /** Units that are done. */
  #scanned = 0;
  #last: FoundHit | undefined;
  #problems = 0;
  /** Objects that something was read of. */
  readonly #keys = new Set<string>();
  readonly shortfalls: ArchiveShortfall[] = [];
  readonly progress: ArchiveProgress = { objects: 0, objectsTotal: 0, bytes: 0, bytesTotal: 0 };

  constructor(options: ArchiveSearchOptions, request: ArchiveRequest, signal: AbortSignal) {
    const { query, order, limit, after, highlight, raw = false, within = always } = request;
    this.#options = options;
    this.#request = request;
    this.#signal = signal;
    this.#lane = options.pool.lane({ query, order, limit, highlight, raw, ...(after && { after }) });
    this.#heap = new HitHeap(order, options.heldBytesMax);
    this.#room = new Room(options.heldBytesMax);
    const fresh = (key: string, block: FooterBlock) => this.#fresh(key, block);
    const { signal: stopping } = this.#stop;
    const problem = ({ key, error }: { key: string; error: Error }) =>
      this.#problem(`${key}: ${error.message}`);
    const behind = timesBehind(after, order);
    const pruner = compilePruner({ bool: { filter: [behind.range, query] } });
    this.#plan = planned(options, request, pruner, fresh, problem, stopping);
    this.#within = bothOf(within, behind.times);
    this.#rest = this.#edge(this.#within);
    const abort = () => this.#stop.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true, signal: stopping });
    void options.clock.sleep(request.timeMsMax, stopping).then(() => this.#stop.abort(timeUp));
  }

  /**
   * The next hit; undefined: there are no more, and `shortfalls` says whether that is all.
   * @throws MillraceError ARCHIVE_UNAVAILABLE, ARCHIVE_CORRUPT; the signal's reason
   */
  async next(): Promise<SearchHit | undefined> {
    try {
      while (this.#given < this.#request.limit) {
        this.#signal.throwIfAborted();
        const hit = this.#certain();
        if (hit !== undefined) return hit;
        if (this.#done) break;
        await this.#advance();
      }
    } catch (error) {
      this.close();
      throw error;
    }
    const { lost } = this.#heap;
    if (lost !== undefined && this.#given < this.#request.limit)
      this.#fall(
        'rows',
        'more hits than there is memory to sort; ask for a shorter time, or go on behind the last hit',
      );
    this.close();
    return undefined;
  }

  /** No hit that is still to come stands before this second, in order; infinite when there are none. */
  get bound(): number {
    const top = this.#heap.top;
    const open = this.#openBound();
    return top === undefined ? open : this.#earlier(secondOf(top), open);
  }

  /** Ends what is under way. */
  close(): void {
    this.#stop.abort();
    this.#lane.close();
  }

  get #done(): boolean {
    const { lost, top } = this.#heap;
    // Hits from the first one on that there was no room for are not given: what can only hold such need not be read.
    if (lost !== undefined && top === undefined) {
      const [open, second] = [this.#openBound(), secondOf(lost)];
      if (open !== second && this.#earlier(open, second) === second) return true;
    }
    return !this.#planning && this.#units.length === 0 && this.#running.size === 0;
  }

  /** The first hit, where nothing can come before it; of copies of one event the first. */
  #certain(): SearchHit | undefined {
    for (let top = this.#heap.top; top !== undefined; top = this.#heap.top) {
      const bound = this.#openBound();
      const second = secondOf(top);
      const certain = this.#request.order === 'desc' ? second > bound : second < bound;
      if (!certain) return undefined;
      this.#heap.pop();
      const last = this.#last;
      if (last?.id === top.id && compareHits(last, top, this.#request.order) === 0) continue;
      this.#last = top;
      this.#given++;
      return searchHit(top);
    }
    return undefined;
  }

  /** Of all that is not read yet. */
  #openBound(): number {
    let bound = this.#planning ? this.#rest : this.#none;
    for (const { times } of this.#running.keys()) bound = this.#earlier(bound, this.#edge(times));
    const next = this.#units.at(-1);
    return next === undefined ? bound : this.#earlier(bound, this.#edge(next.times));
  }

  get #none(): number {
    return this.#request.order === 'desc' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  #edge({ first, last }: EventTimes): number {
    return this.#request.order === 'desc' ? last : first;
  }

  #earlier(a: number, b: number): number {
    return this.#request.order === 'desc' ? Math.max(a, b) : Math.min(a, b);
  }

  async #advance(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const { signal } = this.#stop;
    if (signal.aborted) return this.#cut(signal.reason);
    const { pool } = this.#options;
    const next = this.#units.at(-1);
    const plans =
      this.#planning &&
      (next === undefined || this.#earlier(this.#rest, this.#edge(next.times)) === this.#rest);
    try {
      if (plans) return await this.#planMore();
      // In the end some more than threads, so that none waits for S3; at first the next hits may be all that is asked for.
      const width = Math.min(pool.workers * 2 + 2, pool.workers + this.#scanned);
      while (this.#running.size < width && this.#units.length > 0 && this.#hasRoom) this.#start();
      if (this.#running.size > 0) await Promise.race(this.#running.values());
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** What was found until then is given, and said to be not all. */
  #cut(reason: unknown): void {
    if (reason !== timeUp) throw reason;
    this.#fall('time', `the archive was searched for ${this.#request.timeMsMax} ms, and not to the end`);
    this.#planning = false;
    this.#units = [];
    this.#running.clear();
    this.#lane.close();
  }

  async #planMore(): Promise<void> {
    const step = await this.#plan.next();
    if (step.done) {
      this.#planning = false;
      return;
    }
    const { units, objects, restUntil } = step.value;
    if (this.#request.order === 'desc') this.#rest = Math.min(restUntil, this.#within.last);
    this.progress.objectsTotal += objects;
    for (const { bytes } of units) this.progress.bytesTotal += bytes;
    this.#request.onProgress?.();
    this.#add(units);
  }

  #add(units: Unit[]): void {
    const sign = this.#request.order === 'desc' ? 1 : -1;
    this.#units.push(...units);
    this.#units.sort((a, b) => sign * compare(this.#edge(a.times), this.#edge(b.times)));
  }

  /** Hits that come later must not fill the memory before their turn; what comes next is looked at in any case. */
  get #hasRoom(): boolean {
    if (this.#running.size === 0) return true;
    let bytes = 0;
    for (const unit of this.#running.keys()) bytes += unit.bytes;
    return this.#room.fits(bytes, this.#heap.bytes);
  }

  #start(): void {
    let unit = this.#units.pop();
    while (unit !== undefined && unit.blocks.length > 1 && this.#room.isMuch(unit.bytes)) {
      this.#add(halvesOf(unit));
      unit = this.#units.pop();
    }
    if (unit === undefined) return;
    if (this.#asked >= this.#request.bytesMax) {
      this.#fall('rows', `the archive was searched for ${this.#request.bytesMax} bytes, and not to the end`);
      // What is under way may still be given.
      this.#planning = false;
      this.#units = [];
      return;
    }
    this.#asked += unit.bytes;
    const work = this.#scan(unit)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#failure ??= error;
      })
      .finally(() => this.#running.delete(unit));
    this.#running.set(unit, work);
  }

  async #scan(unit: Unit): Promise<void> {
    const { objects, clock } = this.#options;
    const { key, blocks, bytes, corrections } = unit;
    const from = blocks[0]?.offset ?? 0;
    const { signal } = this.#stop;
    const memory = this.#options.pool.memory(bytes);
    const read = await retried(clock, () => objects.read(key, from, from + bytes, signal, memory), signal);
    if (read === undefined) return this.#unread(unit, `${key}: no such object`);
    if (read.length !== bytes)
      throw new MillraceError('ARCHIVE_UNAVAILABLE', `${key}: ${read.length} bytes of ${bytes}`);
    const places = this.#inOrder(unit, from);
    const outcome = await this.#lane.scan({ blocks: places, bytes: read, corrections });
    // After a failure something may still write, or read, there: then it is left to the collector.
    if (!('stuck' in outcome)) this.#options.pool.release(memory);
    // Ended meanwhile: what comes before these may have been given.
    if (!this.#running.has(unit)) return;
    if ('stuck' in outcome) return this.#stuck(unit, places[outcome.stuck]?.id, outcome.error);
    this.#room.learn(bytes, this.#heap.push(outcome.answer.hits));
    for (const { block, error, damaged } of outcome.answer.problems) {
      const copy = damaged ? this.#copies.get(block)?.shift() : undefined;
      if (copy === undefined) this.#problem(`${key}, block ${block}: ${error}`);
      else this.#add([{ ...unit, key: copy.key, blocks: [copy.block], bytes: copy.block.length }]);
    }
    this.#scanned++;
    this.#count(unit);
  }

  /** The blocks that may have the first hits first, so that those behind them can be left. */
  #inOrder({ blocks, times: all, corrections }: Unit, from: number): ScanBlock[] {
    const known = corrections.length === 0;
    const places = blocks.map(({ id, offset, length, times }) => {
      const own = known && times !== undefined && times !== 'none' ? times : all;
      return { id, at: offset - from, length, bound: this.#edge(own) };
    });
    const sign = this.#request.order === 'desc' ? 1 : -1;
    return places.sort((a, b) => sign * compare(b.bound, a.bound));
  }

  /** A thread did not come back from a block: it is set aside, the others are looked at again. */
  #stuck(unit: Unit, stuck: string | undefined, error: string): void {
    const { key, blocks, times, corrections } = unit;
    this.#problem(`${key}, block ${stuck}: ${error}`);
    for (const block of blocks.filter(({ id }) => id !== stuck))
      this.#add([{ key, blocks: [block], bytes: block.length, times, corrections }]);
  }

  #unread(unit: Unit, problem: string): void {
    this.#problem(problem);
    this.#count(unit);
  }

  #count({ key, bytes }: Unit): void {
    this.progress.bytes += bytes;
    this.#keys.add(key);
    this.progress.objects = Math.min(this.#keys.size, this.progress.objectsTotal);
    this.#request.onProgress?.();
  }

  /** One of each block is looked at; where else it lies is remembered. */
  #fresh(key: string, block: FooterBlock): boolean {
    if (!this.#seen.has(block.id)) {
      this.#seen.add(block.id);
      return true;
    }
    const copies = this.#copies.get(block.id) ?? [];
    if (copies.length < copiesMax) copies.push({ key, block });
    this.#copies.set(block.id, copies);
    return false;
  }

  /** All of one kind are one shortfall, which names the first. */
  #problem(what: string): void {
    const before = this.shortfalls.find(({ code }) => code === 'archive_unreadable');
    this.#problems++;
    if (before === undefined) this.#fall('archive_unreadable', what);
    else
      before.message = `${before.message.replace(/ \(and \d+ more\)$/, '')} (and ${this.#problems - 1} more)`;
  }

  #fall(code: ArchiveShortfall['code'], message: string): void {
    this.shortfalls.push({ code, message });
  }
}

const timeUp = Symbol('time');
const copiesMax = 4;

function secondOf({ time }: FoundHit): number {
  return Date.parse(`${time.slice(0, 19)}Z`) / 1000;
}

/** Infinite ones included. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
