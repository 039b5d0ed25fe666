import type { CatalogEntry } from '@millrace/archive/catalog.ts';
import { type SourceFilter, sourceFilter } from '@millrace/archive/corrections/source-filter.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';
import { compileMatcher, type Matcher } from '@millrace/core/query/match.ts';
import { comparableTime } from '@millrace/core/query/match-values.ts';
import { formatNs } from '@millrace/core/query/time.ts';
import type { Source } from '@millrace/core/wire/block.ts';
import type { ReplayRequest } from './request.ts';

/** How much of an object, or of a block, is replayed. */
export type Share = 'none' | 'some' | 'whole';

const dayMs = 86_400_000;
/** Events carry times up to a day after they were read (D7), and clocks may differ a little. */
const aheadMs = dayMs + 3_600_000;

/** Decides what of the archive is replayed: by footers where they say enough, by documents where they do not. */
export class Selection {
  readonly #takes: SourceFilter;
  readonly #matches: Matcher | undefined;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #from: string;
  readonly #to: string;
  /** First arrival that may hold such events, milliseconds since 1970. */
  readonly arrivedFromMs: number | undefined;

  /** @throws MillraceError QUERY_INVALID */
  constructor(request: ReplayRequest) {
    const { fromNs, toNs, query, nowMs } = request;
    this.#takes = sourceFilter(request);
    this.#matches = query.trim() === '' ? undefined : compileMatcher(query, { nowMs });
    this.#fromMs = fromNs === undefined ? Number.NEGATIVE_INFINITY : Number(fromNs) / 1e6;
    this.#toMs = toNs === undefined ? Number.POSITIVE_INFINITY : Number(toNs) / 1e6;
    this.#from = fromNs === undefined ? '' : comparableTime(formatNs(fromNs));
    this.#to = toNs === undefined ? '~' : comparableTime(formatNs(toNs));
    this.arrivedFromMs = fromNs === undefined ? undefined : Math.max(0, this.#fromMs - aheadMs);
  }

  /** `corrected`: events may have moved to other days than the footer says. */
  ofObject({ footer }: CatalogEntry, corrected: boolean): Share {
    const taken = footer.sources.filter((source) => this.#takes(source)).length;
    if (taken === 0) return 'none';
    const days = this.#ofDays(corrected ? undefined : footer.days);
    if (days === 'none') return 'none';
    const all = days === 'whole' && taken === footer.sources.length && this.#matches === undefined;
    return all ? 'whole' : 'some';
  }

  takesSource(host: string, { tag, path }: Source): boolean {
    return this.#takes({ host, tag, path });
  }

  takesDocument({ id, source }: RenderedDocument): boolean {
    if (this.#from !== '' || this.#to !== '~') {
      // Every document begins with its time.
      const start = '{"@timestamp":"'.length;
      const time = comparableTime(source.slice(start, source.indexOf('"', start)));
      if (time < this.#from || time > this.#to) return false;
    }
    return this.#matches?.(id, JSON.parse(source) as Record<string, unknown>) ?? true;
  }

  #ofDays(days: CatalogEntry['footer']['days']): Share {
    if (this.#from === '' && this.#to === '~') return 'whole';
    if (days === undefined) return 'some';
    const shares = new Set(days.map(({ date }) => this.#ofDay(date)));
    if (shares.size === 1) return [...shares][0] ?? 'some';
    return 'some';
  }

  #ofDay(date: string): Share {
    const [year, month, day] = date.split('.').map(Number);
    const first = Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1);
    const after = day === undefined ? Date.UTC(year ?? 0, month ?? 1, 1) : first + dayMs;
    if (after <= this.#fromMs || first > this.#toMs) return 'none';
    // The last nanosecond of a day is no double: a bound within a millisecond of it is its end.
    return this.#fromMs <= first && this.#toMs >= after - 1 ? 'whole' : 'some';
  }
}
