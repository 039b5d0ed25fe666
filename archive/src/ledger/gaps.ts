import type { Account } from './account.ts';
import { bytesOf, type Interval, without } from './coverage.ts';
import { type Extent, extentOf, type Hole, holeBytes } from './holes.ts';
import type { FileLedger, Gap, GapCause } from './report.ts';

/** An archive object that is gone or not readable. */
export interface LostObject {
  key: string;
  /** Start of its arrival hour. */
  hourMs: number;
  /** As its mark says. */
  events: number;
}

export interface GapContext {
  stream: string;
  nowMs: number;
  /** What is missing for less long is on its way. */
  olderThanMs: number;
  lost: readonly LostObject[];
  /** First date whose events are indexed. */
  horizon: string | undefined;
  /** Whether the agent that last spoke of a file has fallen silent. */
  isSilent(agent: string): boolean;
  /** Where reading began, when that lies before what is archived. */
  began(account: Account): number | undefined;
  /** Documents that the index does not hold. */
  gone(account: Account): Gap[];
  /** Bytes of the set-aside events. */
  setAsideBytes(account: Account): number;
}

export interface Settled {
  file: FileLedger;
  gaps: Gap[];
  inFlight: Gap[];
}

/** Objects named for one gap. */
const objectsMax = 10;
const hourMs = 3_600_000;

/** What became of every byte of one generation. */
export function settle(account: Account, context: GapContext): Settled {
  const extent = extentOf(account, context.began(account));
  const unindexed =
    context.horizon !== undefined && isCold(account, context.horizon) ? [] : notIndexed(account);
  const goneGaps = context.gone(account);
  const all = [
    ...extent.holes.flatMap((hole) => gapOfHole(account, hole, context) ?? []),
    ...unindexed.map((part) => gapOf(account, context, 'not_indexed', part, part.sinceMs)),
    ...goneGaps,
  ];
  const gaps: Gap[] = [];
  const inFlight: Gap[] = [];
  for (const gap of all) {
    const waits =
      gap.cause === 'not_archived' || gap.cause === 'object_missing' || gap.cause === 'not_indexed';
    const young = waits && context.nowMs - gap.sinceMs < context.olderThanMs;
    (young ? inFlight : gaps).push(gap);
  }
  const missingDocuments = bytesOf(unindexed) + goneGaps.reduce((sum, gap) => sum + gap.bytes, 0);
  return { file: fileOf(account, context, extent, missingDocuments, gaps, inFlight), gaps, inFlight };
}

function fileOf(
  account: Account,
  context: GapContext,
  extent: Extent,
  missingDocuments: number,
  gaps: Gap[],
  inFlight: Gap[],
): FileLedger {
  const written = extent.to - extent.from;
  const unread = holeBytes(extent, 'unread');
  const destroyed = holeBytes(extent, 'destroyed');
  const kept =
    sum(gaps.filter(({ cause, from }) => cause === 'agent_silent' && (from ?? 0) < extent.to)) - unread;
  const shipped = written - unread - destroyed - Math.max(0, kept);
  const archived = account.archived.bytes;
  const setAside = context.setAsideBytes(account);
  const indexed = Math.max(0, archived - missingDocuments - setAside);
  const records = recordsOf(account, gaps);
  return {
    stream: context.stream,
    host: account.host,
    file: account.path,
    tag: account.tag,
    generation: account.generation,
    from: extent.from,
    to: extent.to,
    ...(account.ended ? { ended: account.ended } : {}),
    bytes: {
      written,
      shipped,
      archived,
      indexed,
      removed: account.removedBytes,
      rewritten: account.rewrittenBytes,
      set_aside: setAside,
      destroyed,
      unread,
      in_flight: sum(inFlight),
      missing: sum(gaps),
    },
    ...(records ? { records } : {}),
    ...(account.removed ? { removed_by: Object.fromEntries(account.removed) } : {}),
    coverage: {
      shipped: percent(shipped, written),
      archived: percent(archived, written),
      indexed: percent(indexed, written),
    },
  };
}

function recordsOf(account: Account, gaps: Gap[]): FileLedger['records'] {
  if (account.uncounted) return undefined;
  let marked = 0;
  let most = 0;
  for (const counts of account.dates.values()) {
    marked += counts.events;
    most += counts.eventsMax;
  }
  let pending = 0;
  for (const counts of account.pendingDates?.values() ?? []) {
    for (const { from, to, events, eventsMax } of counts.stretches) {
      const open = bytesOf(account.marked.missing(from, to));
      // In part it has its mark now: how many of its events that are is not known.
      if (open === to - from) pending += events;
      if (open > 0) most += eventsMax;
    }
  }
  const gone = gaps.reduce(
    (all, { cause, events }) => all + (cause === 'documents_gone' ? (events ?? 0) : 0),
    0,
  );
  const archived = marked + pending;
  return {
    archived,
    indexed: Math.max(0, marked - account.setAsideEvents - gone),
    set_aside: account.setAsideEvents,
    exact: most === archived,
  };
}

function gapOfHole(account: Account, hole: Hole, context: GapContext): Gap | undefined {
  const silent = account.agent !== undefined && context.isSilent(account.agent);
  if (hole.kind === 'unread' && !silent) return undefined;
  if (hole.kind === 'destroyed') return gapOf(account, context, 'destroyed_unread', hole, hole.sinceMs);
  const near = hole.kind === 'read' ? lostNear(hole, context) : [];
  const tail = hole.from >= account.archived.end;
  const cause: GapCause =
    near.length > 0 ? 'object_missing' : silent && tail ? 'agent_silent' : 'not_archived';
  const gap = gapOf(account, context, cause, hole, hole.sinceMs);
  return near.length > 0 ? { ...gap, objects: near } : gap;
}

/** A lost object can only explain what was read before the end of its hour, and not before what is behind the hole. */
function lostNear(hole: Hole, { lost }: GapContext): string[] {
  return lost
    .filter(({ hourMs: at }) => (hole.firstMs ?? 0) < at + 2 * hourMs && (hole.lastMs ?? at) >= at)
    .slice(0, objectsMax)
    .map(({ key }) => key);
}

function gapOf(
  account: Account,
  { stream }: GapContext,
  cause: GapCause,
  part: Interval & { firstMs?: number; lastMs?: number },
  sinceMs: number,
): Gap {
  const { host, path, tag, generation } = account;
  return {
    cause,
    stream,
    host,
    file: path,
    tag,
    generation,
    from: part.from,
    to: part.to,
    bytes: part.to - part.from,
    ...(part.firstMs === undefined ? {} : { firstMs: part.firstMs }),
    ...(part.lastMs === undefined ? {} : { lastMs: part.lastMs }),
    sinceMs,
  };
}

/** Archived bytes of which no object has a mark. */
function notIndexed(account: Account): (Interval & { sinceMs: number })[] {
  return (account.unmarked?.intervals ?? []).flatMap((item) =>
    without([item], account.marked.intervals).map(({ from, to }) => ({
      from,
      to,
      sinceMs: Math.min(item.leftMs, item.rightMs),
    })),
  );
}

/** Everything of it that has no mark is of days that are not indexed any more. */
function isCold(account: Account, horizon: string): boolean {
  const dates = [...(account.pendingDates?.keys() ?? [])];
  return dates.length > 0 && dates.every((date) => date < horizon.slice(0, date.length));
}

function sum(gaps: Gap[]): number {
  return gaps.reduce((total, { bytes }) => total + bytes, 0);
}

/** Never 100 while a byte is missing. */
function percent(part: number, whole: number): number {
  if (whole <= 0 || part >= whole) return 100;
  return Math.max(0, Math.floor((part / whole) * 10_000) / 100);
}
