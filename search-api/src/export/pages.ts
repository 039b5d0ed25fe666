import type { Dsl, SearchHit, SortValues, Store } from '@millrace/core/store/port.ts';
import type { Finder, FindRequest, Shortfall } from '../find/finder.ts';
import { bytesOf, fittingPage, PageSize, pageBytes } from '../find/fitting-page.ts';
import type { Plan } from '../plan.ts';
import { windowsOf } from './windows.ts';

/** Hits in order, some at a time; ends with what was not looked at. */
export type Pages = AsyncGenerator<SearchHit[], Shortfall[]>;

export interface PagesRequest {
  plan: Plan;
  order: 'asc' | 'desc';
  /** Windows that are read at a time, ahead of the client. */
  parallel: number;
}

/** Documents of one answer of the store. */
const pageMax = 10_000;

/**
 * All that the store has for a plan. The time is cut into windows of about a page each, so that the store sorts a
 * window and not the whole for every page, and reads the next ones while this one is written.
 */
export async function* storePages(
  store: Store,
  request: PagesRequest,
  nowMs: number,
  signal: AbortSignal,
): Pages {
  const windows = await windowsOf(store, request.plan, request.order, { nowMs, pageMax, signal });
  const size = new PageSize(pageMax);
  const ahead: Turn[] = [];
  let next = 0;
  const startUpTo = (count: number) => {
    for (; ahead.length < count && next < windows.length; next++) {
      const pages = windowPages(store, request, windows[next]?.query ?? request.plan.query, size, signal);
      ahead.push({ pages, first: asked(pages) });
    }
  };
  // One alone at first: its page tells how large documents are, before more are asked for at a time.
  startUpTo(1);
  for (let turn = ahead.shift(); turn !== undefined; turn = ahead.shift()) {
    let page = await turn.first;
    startUpTo(request.parallel - 1);
    while (page.done !== true) {
      const following = asked(turn.pages);
      yield page.value;
      page = await following;
    }
    startUpTo(1);
  }
  return [];
}

interface Turn {
  pages: AsyncGenerator<SearchHit[], void>;
  first: Promise<IteratorResult<SearchHit[], void>>;
}

/** The next page, asked for now. It may fail long before its turn comes; then it is thrown. */
function asked(pages: Turn['pages']): Turn['first'] {
  const page = pages.next();
  page.catch(() => {});
  return page;
}

async function* windowPages(
  store: Store,
  { plan, order }: PagesRequest,
  query: Dsl,
  size: PageSize,
  signal: AbortSignal,
): AsyncGenerator<SearchHit[], void> {
  const { indices } = plan;
  const request = { indices, query, order, containers: true, trackTotal: 0, highlight: false };
  let after: SortValues | undefined;
  for (;;) {
    const next = { ...request, ...(after === undefined ? {} : { after }) };
    const { found, asked } = await fittingPage(store, next, size, pageMax, signal);
    if (found.hits.length > 0) yield found.hits;
    if (found.hits.length < asked) return;
    after = found.hits.at(-1)?.sort;
  }
}

/** A client may stop reading for so long; the engine holds its place until then. */
const keepMs = 300_000;

/** All that the store has for a plan, in the order in which it lies there. */
export async function* scanPages(store: Store, { indices, query }: Plan, signal: AbortSignal): Pages {
  for await (const page of store.scan({ indices, query, pageBytes, keepMs }, signal)) yield page;
  return [];
}

const finderPage = 1_000;

/** The same through a finder, which looks into the archive too. */
export async function* finderPages(finder: Finder, request: FindRequest, signal: AbortSignal): Pages {
  const found = finder(request, signal);
  let page: SearchHit[] = [];
  let bytes = 0;
  for (;;) {
    const next = await found.next();
    if (next.done === true) {
      if (page.length > 0) yield page;
      return next.value.partial;
    }
    bytes += bytesOf(next.value);
    if (page.push(next.value) < finderPage && bytes < pageBytes) continue;
    yield page;
    page = [];
    bytes = 0;
  }
}
