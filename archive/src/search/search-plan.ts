import type { EventTimes, FooterBlock } from '@millrace/core/archive/footer.ts';
import { hourMs } from '@millrace/core/archive/key.ts';
import type { Pruner } from '@millrace/core/query/prune.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Catalog, CatalogEntry, CatalogProblem } from '../catalog.ts';
import type { Corrections } from '../corrections/corrections.ts';
import type { CorrectionShelf } from '../corrections/shelf.ts';
import { always, type Unit, unitsOf } from './units.ts';

export interface PlanOptions {
  catalog: Pick<Catalog, 'entries' | 'streams'>;
  shelf: Pick<CorrectionShelf, 'load'>;
  clock: Clock;
  /** Bytes of an object that are read, and looked into, at a time. */
  readBytes: number;
  /** Objects are looked at that arrived so long after the end of the time asked for: agents may have been offline. */
  lateMs: number;
}

export interface PlanRequest {
  /** Undefined: all. */
  stream: string | undefined;
  /** Of all streams, those that count; absent: each. */
  wants?(stream: string): boolean;
  /** Seconds since 1970 of the first and the last events, infinite where open: objects that arrived when such do. */
  times: EventTimes | undefined;
  order: 'asc' | 'desc';
  /** Of an object, the times in which its events count; undefined: none do. Absent: all count. */
  part?(stream: string, key: string): EventTimes | undefined;
  /** Objects that count whenever they arrived. */
  also?: readonly CatalogEntry[];
}

export interface Planned {
  units: Unit[];
  objects: number;
  /** Seconds since 1970; events that are not planned yet are not later. Of use only when the newest come first. */
  restUntil: number;
}

/** Events carry times up to a day after they were read (D7), and clocks may differ a little. */
const aheadMs = 25 * hourMs;
/** The newest objects are looked at first; of older ones twice as much each time. */
const firstWindowMs = 48 * hourMs;
/** No archive is older. */
const beginningMs = Date.UTC(2000, 0, 1);

/**
 * Units that may hold hits, stretch after stretch of arrival. `fresh` says of a block whether it was not planned before,
 * as part of another object.
 */
export async function* planned(
  options: PlanOptions,
  request: PlanRequest,
  pruner: Pruner,
  fresh: (key: string, block: FooterBlock) => boolean,
  onProblem: (problem: CatalogProblem) => void,
  signal: AbortSignal,
): AsyncGenerator<Planned> {
  const { catalog, shelf, readBytes } = options;
  const corrections = new Map<string, Promise<Corrections>>();
  const take = async (step: Planned, entry: CatalogEntry, within: EventTimes | undefined) => {
    if (within === undefined) return;
    const { stream } = entry.footer;
    const loaded = corrections.get(stream) ?? shelf.load(stream, signal);
    corrections.set(stream, loaded);
    const all = unitsOf(entry, pruner, await loaded, readBytes, (block) => fresh(entry.key, block));
    const units = all.filter(({ times }) => times.first <= within.last && times.last >= within.first);
    step.units.push(...units);
    if (units.length > 0) step.objects++;
  };
  const stretches = windowsOf(options, request);
  const first: Planned = { units: [], objects: 0, restUntil: stretches[0]?.laterUntil ?? nothing };
  for (const entry of request.also ?? []) {
    if (request.stream === undefined || entry.footer.stream === request.stream)
      await take(first, entry, always);
  }
  yield first;
  if (stretches.length === 0) return;
  const { wants = () => true } = request;
  const streams = (request.stream === undefined ? await catalog.streams(signal) : [request.stream]).filter(
    wants,
  );
  for (const [i, { fromMs, toMs }] of stretches.entries()) {
    const step: Planned = { units: [], objects: 0, restUntil: stretches[i + 1]?.laterUntil ?? nothing };
    for (const stream of streams) {
      for await (const entry of catalog.entries({ stream, fromMs, toMs }, signal, onProblem)) {
        signal.throwIfAborted();
        await take(step, entry, request.part === undefined ? always : request.part(stream, entry.key));
      }
    }
    yield step;
  }
}

const nothing = Number.NEGATIVE_INFINITY;

interface Window {
  fromMs: number;
  toMs: number;
  /** Seconds since 1970: events of objects that arrived before `toMs` are not later. */
  laterUntil: number;
}

/** Stretches of arrival, to the hour: the newest first, or all at once where the oldest events are wanted first. */
function windowsOf({ clock, lateMs }: PlanOptions, { times, order }: PlanRequest): Window[] {
  if (times === undefined) return [];
  const startMs = Math.max(beginningMs, hourOf(times.first * 1000 - aheadMs));
  const endMs = hourOf(Math.min(clock.now() + hourMs, times.last * 1000 + lateMs)) + hourMs;
  const windows: Window[] = [];
  let sizeMs = order === 'desc' ? firstWindowMs : Number.POSITIVE_INFINITY;
  for (let toMs = endMs; toMs > startMs; sizeMs *= 2) {
    const fromMs = Math.max(startMs, toMs - sizeMs);
    const laterUntil = windows.length === 0 ? Number.POSITIVE_INFINITY : (toMs + aheadMs) / 1000;
    windows.push({ fromMs, toMs, laterUntil });
    toMs = fromMs;
  }
  return windows;
}

/** Where the hour begins; what is infinite stays so. */
function hourOf(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms / hourMs) * hourMs : ms;
}
