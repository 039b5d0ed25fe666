import type { Account } from './account.ts';
import { bytesOf, type Interval, without } from './coverage.ts';

/** Bytes that are missing in the archive. */
export interface Hole extends Interval {
  kind: 'destroyed' | 'read' | 'unread';
  /** When they were written or read: between these, where known. */
  firstMs?: number;
  lastMs?: number;
  /** Since when they are missing, milliseconds since 1970. */
  sinceMs: number;
}

/** Bytes of one generation in the archive's terms. */
export interface Extent {
  from: number;
  to: number;
  holes: Hole[];
}

/**
 * The stretch that the archive should hold of a generation, and what of it is not there. `began`: where its reading
 * began, when that is known to lie before what is archived.
 */
export function extentOf(account: Account, began: number | undefined): Extent {
  const { intervals } = account.archived;
  const [first] = intervals;
  const vanished = mergedVanished(account);
  const start = Math.min(
    first?.from ?? Number.POSITIVE_INFINITY,
    began ?? Number.POSITIVE_INFINITY,
    first === undefined
      ? (account.samples[0]?.position ?? Number.POSITIVE_INFINITY)
      : Number.POSITIVE_INFINITY,
    first === undefined ? (vanished[0]?.from ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY,
  );
  const from = Number.isFinite(start) ? start : 0;
  const destroyed = vanished.flatMap((item) =>
    account.archived
      .missing(Math.max(item.from, from), item.to)
      .map((part) => ({ ...part, kind: 'destroyed' as const, sinceMs: item.atMs, lastMs: item.atMs })),
  );
  const read = account.samples.reduce((max, { position }) => Math.max(max, position), account.archived.end);
  const seen = account.samples.reduce((max, { size }) => Math.max(max, size), read);
  const to = Math.max(seen, vanished.at(-1)?.to ?? 0, from);
  const inside = account.archived
    .missing(from, Math.max(read, from))
    .map((part) => ({ ...part, kind: 'read' as const, ...whenRead(account, part) }));
  const beyond =
    seen > read ? [{ from: read, to: seen, kind: 'unread' as const, ...whenUnread(account, read) }] : [];
  const open = [...inside, ...beyond].flatMap((hole) =>
    without([hole], vanished).map((part) => ({ ...hole, ...part })),
  );
  return { from, to, holes: [...destroyed, ...open].sort((a, b) => a.from - b.from) };
}

export function holeBytes({ holes }: Extent, kind: Hole['kind']): number {
  return bytesOf(holes.filter((hole) => hole.kind === kind));
}

function mergedVanished(account: Account): (Interval & { atMs: number })[] {
  const merged: (Interval & { atMs: number })[] = [];
  for (const item of [...(account.vanished ?? [])].sort((a, b) => a.from - b.from)) {
    if (item.to <= item.from) continue;
    const last = merged.at(-1);
    if (last !== undefined && item.from <= last.to) last.to = Math.max(last.to, item.to);
    else merged.push({ ...item });
  }
  return merged;
}

/** A hole lies between what is archived before and behind it, and between two looks of the agent. */
function whenRead(account: Account, { from, to }: Interval): Pick<Hole, 'firstMs' | 'lastMs' | 'sinceMs'> {
  const { intervals } = account.archived;
  const before = intervals.findLast((item) => item.to <= from);
  const behind = intervals.find((item) => item.from >= to);
  const look = account.samples.find(({ position }) => position > from);
  const last = Math.min(behind?.leftMs ?? Number.POSITIVE_INFINITY, look?.atMs ?? Number.POSITIVE_INFINITY);
  const firstMs = before?.rightMs ?? account.mintedMs;
  const lastMs = Number.isFinite(last) ? Math.max(last, firstMs) : undefined;
  return { firstMs, ...(lastMs === undefined ? {} : { lastMs }), sinceMs: lastMs ?? firstMs };
}

function whenUnread(account: Account, read: number): Pick<Hole, 'lastMs' | 'sinceMs'> {
  const look = account.samples.find(({ size }) => size > read);
  const sinceMs = look?.atMs ?? 0;
  return { sinceMs, ...(look === undefined ? {} : { lastMs: sinceMs }) };
}
