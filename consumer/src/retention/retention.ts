import { Catalog, type CatalogProblem } from '@millrace/archive/catalog.ts';
import type { Corrections } from '@millrace/archive/corrections/corrections.ts';
import type { ObjectStore } from '@millrace/archive/object-store.ts';
import { dateStartMs } from '@millrace/core/document/index-name.ts';
import type { Renderer } from '@millrace/core/document/render.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { IndexFigures, Store } from '@millrace/core/store/port.ts';
import { checkDays, type DayCheck } from './check-days.ts';
import { horizonAgeMsMax, indexParts, isBefore } from './horizons.ts';

export interface RetentionOptions {
  store: Pick<
    Store,
    'search' | 'indices' | 'marksOf' | 'present' | 'horizons' | 'moveHorizon' | 'deleteIndex' | 'refresh'
  >;
  objects: ObjectStore;
  /** Archive prefix. */
  prefix: string;
  renderer: Renderer;
  corrections(stream: string, signal: AbortSignal): Promise<Corrections>;
  readBytes: number;
  clock: Clock;
  signal: AbortSignal;
}

export interface RetentionRequest {
  /** Whole days before today that stay. */
  days: number;
  /** Nothing is moved or deleted. */
  dryRun: boolean;
  /** Also indices of replayed days. */
  replayed: boolean;
  /** Absent: all. */
  stream?: string;
}

export interface RetentionReport {
  /** First date that stays. */
  cutoff: string;
  deleted: IndexFigures[];
  refused: DayCheck[];
  /** Horizons after this run, of the streams that it looked at. */
  horizons: Map<string, string>;
}

/** Writers look at the horizon at least so often; what they took before then is on its way no longer. */
const settleMs = horizonAgeMsMax + 10_000;
/** Events of a day may be captured a day before it, and arrive with a clock that is wrong by another. */
const earlyMs = 2 * 86_400_000;

/**
 * Moves the hot horizon, waits until every writer knows it, and deletes the indices before it. A day that the
 * archive does not answer for stays, and with it the horizon of its stream.
 * @throws MillraceError DEADLINE when the signal ended it before all that may go was gone; the next run goes on
 */
export async function retain(options: RetentionOptions, request: RetentionRequest): Promise<RetentionReport> {
  const { store, clock, signal } = options;
  const cutoff = dateOf(clock.now() - request.days * 86_400_000);
  await store.refresh(signal);
  await allAnswer(options, request.stream);
  const indices = await store.indices(signal);
  const horizons = await store.horizons(signal);
  const report: RetentionReport = { cutoff, deleted: [], refused: [], horizons: new Map() };
  const doomed: IndexFigures[] = [];
  for (const [stream, own] of byStream(indices, request.stream)) {
    const old = own.filter(({ date }) => isBefore(date, cutoff));
    const before = horizons.get(stream) ?? '';
    const late = old.filter(({ date }) => isBefore(date, before));
    const checks = old.filter(({ date }) => !isBefore(date, before)).map(newCheck);
    if (checks.length > 0) await checkStream(options, stream, checks);
    const horizon = horizonAfter(checks, cutoff);
    report.refused.push(...checks.filter(({ problems }) => problems.length > 0));
    // A day before the horizon was looked at when the horizon moved: what is there now came late.
    doomed.push(
      ...late,
      ...checks.filter(({ date, problems }) => problems.length === 0 && isBefore(date, horizon)),
    );
    report.horizons.set(stream, later(horizon, before));
    if (!request.dryRun && horizon > before) await store.moveHorizon(stream, horizon, signal);
  }
  if (request.replayed) doomed.push(...replayedIndices(indices, request.stream, cutoff));
  if (!request.dryRun && doomed.length > 0) await clock.sleep(settleMs, signal);
  for (const { index, documents, bytes } of doomed) {
    if (signal.aborted) throw stopped(report.deleted.length, doomed.length);
    if (!request.dryRun) await store.deleteIndex(index, signal);
    report.deleted.push({ index, documents, bytes });
  }
  return report;
}

/**
 * An index that is not there for now, as after a restart, is in no list: the horizon would pass it without a look.
 * @throws MillraceError STORE_UNAVAILABLE when a shard of any index does not answer
 */
async function allAnswer({ store, signal }: RetentionOptions, stream = '*'): Promise<void> {
  const indices = [`millrace-${stream}-*.*`];
  const query = { match_all: {} };
  await store.search({ indices, query, size: 0, order: 'asc', trackTotal: 0, highlight: false }, signal);
}

function stopped(deleted: number, doomed: number): MillraceError {
  return new MillraceError(
    'DEADLINE',
    `retention was stopped when ${deleted} of ${doomed} indices were deleted`,
  );
}

async function checkStream(options: RetentionOptions, stream: string, checks: DayCheck[]): Promise<void> {
  const { objects, prefix, clock, signal } = options;
  const unreadable = new Set<string>();
  const onProblem = ({ key }: CatalogProblem) => {
    if (key.endsWith('.zst')) unreadable.add(key);
  };
  const catalog = new Catalog({ objects, prefix, clock, onProblem });
  const fromMs = firstArrivalMs(checks);
  const corrections = await options.corrections(stream, signal);
  const window = { stream, ...(fromMs === undefined ? {} : { fromMs }) };
  await checkDays(
    {
      ...options,
      stream,
      corrections,
      entries: () => catalog.entries(window, signal),
      unreadable: () => [...unreadable],
    },
    checks,
  );
}

/** Monthly indices hold events far from their capture: any object may have some. */
function firstArrivalMs(checks: DayCheck[]): number | undefined {
  if (checks.some(({ date }) => date.length < 10)) return undefined;
  const first = checks.map(({ date }) => date).sort()[0] ?? '';
  return dateStartMs(first) - earlyMs;
}

/** The horizon is one date: it stops at the first day that must stay. */
function horizonAfter(checks: DayCheck[], cutoff: string): string {
  const stay = checks.filter(({ problems }) => problems.length > 0);
  const dates = stay.map(({ date }) => (date.length < 10 ? `${date}.01` : date));
  return [cutoff, ...dates].sort()[0] ?? cutoff;
}

/** Dates compare as text. */
function later(a: string, b: string): string {
  return [a, b].sort().at(-1) ?? a;
}

type Dated = IndexFigures & { date: string };

function byStream(indices: IndexFigures[], wanted: string | undefined): Map<string, Dated[]> {
  const streams = new Map<string, Dated[]>();
  for (const figures of indices) {
    const { stream, date } = indexParts(figures.index) ?? {};
    if (stream === undefined || date === undefined) continue;
    if (wanted !== undefined && stream !== wanted) continue;
    const own = streams.get(stream) ?? [];
    streams.set(stream, own);
    own.push({ ...figures, date });
  }
  return streams;
}

function replayedIndices(
  indices: IndexFigures[],
  wanted: string | undefined,
  cutoff: string,
): IndexFigures[] {
  return indices.filter(({ index }) => {
    const [, stream, date] = /^millrace-([a-z0-9_]+)-replayed-(\d{4}\.\d\d(?:\.\d\d)?)$/.exec(index) ?? [];
    return date !== undefined && isBefore(date, cutoff) && (wanted === undefined || stream === wanted);
  });
}

function newCheck({ index, date, documents, bytes }: Dated): DayCheck {
  return { index, date, documents, bytes, events: 0, setAside: 0, problems: [] };
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10).replaceAll('-', '.');
}
