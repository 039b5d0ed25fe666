import type { EventTimes, Footer, FooterBlock } from '@millrace/core/archive/footer.ts';
import { SourceText } from '@millrace/core/document/held-text.ts';
import type { Pruner, PruneView } from '@millrace/core/query/prune.ts';
import { hitOrder } from '@millrace/core/store/hit-order.ts';
import type { Dsl, SortValues } from '@millrace/core/store/port.ts';
import type { CatalogEntry } from '../catalog.ts';
import type { Corrections, KnownCorrection } from '../corrections/corrections.ts';

/** Blocks next to each other in one object, which are read in one go. */
export interface Unit {
  key: string;
  blocks: FooterBlock[];
  /** Their bytes in the object. */
  bytes: number;
  /** No event of theirs is outside of these seconds. */
  times: EventTimes;
  /** What may concern them. */
  corrections: KnownCorrection[];
}

export const always: EventTimes = { first: Number.NEGATIVE_INFINITY, last: Number.POSITIVE_INFINITY };

export function bothOf(a: EventTimes, b: EventTimes): EventTimes {
  return { first: Math.max(a.first, b.first), last: Math.min(a.last, b.last) };
}

/** Where what comes behind a hit lies in time, to the second; a page far back need not read all before it once more. */
export function timesBehind(
  after: SortValues | undefined,
  order: 'asc' | 'desc',
): { times: EventTimes; range: Dsl } {
  const time = after === undefined ? '' : hitOrder(after).time.slice(0, 19);
  const second = Date.parse(`${time}Z`) / 1000;
  if (!Number.isFinite(second)) return { times: always, range: { match_all: {} } };
  return order === 'desc'
    ? { times: { ...always, last: second }, range: { range: { '@timestamp': { lte: time } } } }
    : { times: { ...always, first: second }, range: { range: { '@timestamp': { gte: time } } } };
}

/**
 * The blocks of an object that may hold hits; none when its footer, and its filter, say that there are none. `wanted` has
 * the last word on a block.
 */
export function unitsOf(
  { key, footer }: CatalogEntry,
  pruner: Pruner,
  corrections: Corrections,
  bytesMax: number,
  wanted: (block: FooterBlock) => boolean,
): Unit[] {
  // Under a correction events have other texts and times than the footer knows; where they are from stays.
  const touching = corrections.about(footer.sources);
  const corrected = touching.length > 0;
  const times = corrected ? always : timesOf(footer);
  if (!mayHold(footer, pruner, corrected ? {} : { times }, corrected)) return [];
  const units: Unit[] = [];
  let end = -1;
  for (const block of footer.blocks) {
    if (block.times === 'none') continue;
    const own = corrected ? always : (block.times ?? times);
    if (!corrected && pruner.verdict({ times: own }) === 'no') continue;
    if (!wanted(block)) continue;
    const last = units.at(-1);
    if (last !== undefined && block.offset === end && last.bytes + block.length <= bytesMax) {
      last.blocks.push(block);
      last.bytes += block.length;
      last.times = {
        first: Math.min(last.times.first, own.first),
        last: Math.max(last.times.last, own.last),
      };
    } else units.push({ key, blocks: [block], bytes: block.length, times: own, corrections: touching });
    end = block.offset + block.length;
  }
  return units;
}

/** The blocks of a unit in two, each with its own times. */
export function halvesOf({ key, blocks, times, corrections }: Unit): Unit[] {
  const half = blocks.length >> 1;
  return [blocks.slice(0, half), blocks.slice(half)].map((own) => ({
    key,
    blocks: own,
    bytes: own.reduce((sum, { length }) => sum + length, 0),
    times: corrections.length > 0 ? times : spanOf(own, times),
    corrections,
  }));
}

/** `unknown`: of blocks whose times are not told. */
function spanOf(blocks: readonly FooterBlock[], unknown: EventTimes): EventTimes {
  const all = blocks.flatMap(({ times = unknown }) => (times === 'none' ? [] : [times]));
  return {
    first: Math.min(...all.map(({ first }) => first)),
    last: Math.max(...all.map(({ last }) => last)),
  };
}

function mayHold(footer: Footer, pruner: Pruner, view: PruneView, corrected: boolean): boolean {
  const { stream, tokens } = footer;
  return footer.sources.some((source) => {
    const { generation, host, path, tag, rule, covered } = source;
    const named = { generation, host, path, tag, stream };
    // A record may stand for bytes of no length beside what is covered.
    const offsets = covered.map(({ from, to }) => ({ from: from - 1, to: to + 1 }));
    const known: PruneView = { ...view, source: named, offsets };
    if (pruner.verdict(known) === 'no') return false;
    if (corrected || tokens === undefined || pruner.anchors === undefined) return true;
    const text = new SourceText(rule, path);
    return (
      pruner.verdict({ ...known, holds: (fragment, place) => text.mayHoldIn(tokens, fragment, place) }) !==
      'no'
    );
  });
}

/** Of all events in an object: by block where the footer says it, else by the days. */
export function timesOf({ blocks, days }: Footer): EventTimes {
  const known = blocks.flatMap(({ times }) => (times === undefined || times === 'none' ? [] : [times]));
  const unknown = blocks.some(({ times }) => times === undefined);
  const daily = unknown ? (days?.map(({ date }) => secondsOf(date)) ?? [always]) : [];
  const all = [...known, ...daily];
  return {
    first: Math.min(...all.map(({ first }) => first)),
    last: Math.max(...all.map(({ last }) => last)),
  };
}

/** Of the date part of an index name, `YYYY.MM.DD` or `YYYY.MM`. */
function secondsOf(date: string): EventTimes {
  const [year = 0, month = 1, day] = date.split('.').map(Number);
  const first = Date.UTC(year, month - 1, day ?? 1);
  const end = day === undefined ? Date.UTC(year, month, 1) : first + 86_400_000;
  return Number.isFinite(first) && Number.isFinite(end)
    ? { first: first / 1000, last: end / 1000 - 1 }
    : always;
}
