import { batch, signal } from '@preact/signals';
import { ApiError, getJson, getLines, isMissing, offline, type Parameters } from '../api/client.ts';
import type { Hit, Page, Progress, Shortfall, StreamLine, Table } from '../api/types.ts';
import { absolute } from '../time/ranges.ts';
import { readingOrder } from './reading.ts';
import { view } from './view.ts';

/** What the page holds at most: rows of a megabyte each would fill the memory long before they are many. */
export const bounds = { rows: 100_000, messageChars: 200_000_000 };
/** Rows asked for at first, and then each time that the end comes near. */
const chunks = [500, 2_000, 10_000, 20_000];
const pageSize = 1000;
/** More than a server gives of an answer that comes whole. */
const wholeRows = 10_000;

/** Too many for a signal's value to be copied at each change: `rowCount` tells that it changed. */
export const rows: { hits: Hit[] } = { hits: [] };
export const rowCount = signal(0);
/** Counts questions: whoever keeps something about rows forgets it when this changes. */
export const generation = signal(0);
export const busy = signal(false);
/** What is on the screen answers an earlier question. */
export const stale = signal(false);
export const complete = signal(false);
/** The page holds no more. */
export const full = signal(false);
export const tookMs = signal<number | undefined>(undefined);
export const firstRowsMs = signal<number | undefined>(undefined);
export const problem = signal<ApiError | undefined>(undefined);
export const partial = signal<readonly Shortfall[]>([]);
export const progress = signal<Progress | undefined>(undefined);
export const table = signal<Table | undefined>(undefined);
/** Of servers that have no histogram to add up. */
export const pageTotal = signal<Page['total'] | undefined>(undefined);

interface Question {
  parameters: Parameters;
  /** Undefined: the answer comes whole. */
  order: 'asc' | 'desc' | undefined;
  controller: AbortController;
  /** Of servers without streams: the next page. */
  cursor?: string | null;
  /** Ids of the rows that share the last row's time: asking on from there brings them again. */
  lastIds: Set<string>;
  chunk: number;
  /** Of the messages that are held. */
  chars: number;
}

let question: Question | undefined;
let streams = true;

/** The question's own range in times that stay what they are while it is read on. */
export let frozen: { from: string; to: string } = { from: '*', to: '*' };

export function runSearch(): void {
  question?.controller.abort();
  const current = view.value;
  frozen = absolute(current, Date.now());
  const asked: Question = {
    order: readingOrder(current.q, current.sort),
    controller: new AbortController(),
    parameters: {
      q: current.q,
      from: current.from,
      to: current.to,
      sort: current.sort,
      ...(current.stream === '' ? {} : { stream: current.stream }),
      ...(current.source === 'auto' ? {} : { source: current.source }),
    },
    lastIds: new Set(),
    chunk: 0,
    chars: 0,
  };
  question = asked;
  batch(() => {
    stale.value = rowCount.peek() > 0 || table.peek() !== undefined;
    complete.value = false;
    full.value = false;
    progress.value = undefined;
    firstRowsMs.value = undefined;
  });
  void load(asked, true);
}

/** Ends the search that is running; what it brought stays. */
export function stopSearch(): void {
  if (!busy.peek()) return;
  question?.controller.abort();
  busy.value = false;
}

/** Reads on behind the last row. */
export function loadMore(): void {
  if (question === undefined || busy.peek() || stale.peek() || complete.peek() || full.peek()) return;
  // What failed is asked again by who is told that it failed, not by each turn of the wheel.
  if (problem.peek() !== undefined || table.peek() !== undefined) return;
  if (question.controller.signal.aborted) question.controller = new AbortController();
  void load(question, false);
}

/** Reads on, or waits for what is read already. False when that brought nothing, or was stopped. */
export async function readMore(): Promise<boolean> {
  const before = rowCount.peek();
  const waits = busy.peek();
  loadMore();
  const reading = question?.controller.signal;
  await new Promise<void>((resolve) => {
    const stop = busy.subscribe((running) => {
      if (running) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
  if (reading === undefined || reading.aborted || problem.peek() !== undefined) return false;
  return waits || rowCount.peek() > before;
}

async function load(asked: Question, first: boolean): Promise<void> {
  const { signal } = asked.controller;
  const startedMs = performance.now();
  busy.value = true;
  try {
    if (streams && (first || asked.cursor === undefined)) {
      try {
        await loadStream(asked, first, startedMs);
        return;
      } catch (error) {
        if (!isMissing(error)) throw error;
        streams = false;
      }
    }
    await loadPage(asked, first, startedMs);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    batch(() => {
      problem.value = error;
      // Rows that came are of this very answer, but not all of it.
      if (first && stale.peek()) complete.value = true;
      progress.value = undefined;
    });
  } finally {
    if (asked === question && !signal.aborted) busy.value = false;
  }
}

async function loadStream(asked: Question, first: boolean, startedMs: number): Promise<void> {
  const chunk = chunks[Math.min(asked.chunk, chunks.length - 1)] ?? pageSize;
  const wanted = asked.order === undefined ? wholeRows : chunk;
  const limit = Math.min(wanted, bounds.rows - (first ? 0 : rowCount.peek())) + asked.lastIds.size;
  asked.chunk++;
  let fresh = first;
  let received = 0;
  let ended = false;
  for await (const lines of getLines(
    'api/v1/search/stream',
    { ...(first ? asked.parameters : onward(asked)), limit: String(limit) },
    asked.controller.signal,
  )) {
    if (asked.controller.signal.aborted) return;
    batch(() => {
      if (fresh && lines.some((line) => line.progress === undefined)) {
        begin(startedMs);
        fresh = false;
      }
      received += take(asked, lines);
    });
    ended ||= lines.some((line) => line.end !== undefined);
    if (asked.chars >= bounds.messageChars) return;
  }
  if (asked.controller.signal.aborted) return;
  // Every answer has a last line that says how it ended; without it this is the part that came.
  if (!ended) throw offline();
  batch(() => {
    if (fresh) begin(startedMs);
    complete.value = asked.order === undefined || received < limit;
  });
}

/** Takes lines of a stream; returns how many hits there were among them. */
function take(asked: Question, lines: StreamLine[]): number {
  const hits: Hit[] = [];
  for (const line of lines) {
    if (line.hit !== undefined) hits.push(line.hit);
    else if (line.progress !== undefined) progress.value = line.progress;
    else if (line.table !== undefined) table.value = line.table;
    else if (line.end !== undefined) {
      partial.value = line.end.partial ?? [];
      tookMs.value = line.end.took_ms;
      progress.value = undefined;
    } else if (line.error !== undefined) throw new ApiError(500, line.error);
  }
  append(asked, hits);
  return hits.length;
}

async function loadPage(asked: Question, first: boolean, startedMs: number): Promise<void> {
  const cursor = first ? {} : { cursor: asked.cursor ?? undefined };
  const size = first ? '200' : String(pageSize);
  const page = await getJson<Page>(
    'api/v1/search',
    { ...asked.parameters, ...cursor, size },
    asked.controller.signal,
  );
  batch(() => {
    if (first) begin(startedMs);
    append(asked, page.hits);
    asked.cursor = page.next_cursor;
    partial.value = page.partial ?? [];
    table.value = page.table;
    tookMs.value = page.took_ms;
    if (first) pageTotal.value = page.total;
    complete.value = page.next_cursor === null;
  });
}

/** The first rows of an answer take the place of the answer before. */
function begin(startedMs: number): void {
  rows.hits = [];
  rowCount.value = 0;
  generation.value++;
  table.value = undefined;
  partial.value = [];
  problem.value = undefined;
  pageTotal.value = undefined;
  stale.value = false;
  firstRowsMs.value = Math.round(performance.now() - startedMs);
}

function append(asked: Question, hits: Hit[]): void {
  for (const hit of hits) {
    if (asked.lastIds.has(hit.id)) continue;
    if (hit['@timestamp'] !== rows.hits.at(-1)?.['@timestamp']) asked.lastIds = new Set();
    asked.lastIds.add(hit.id);
    // A query that names fields has rows without a message.
    hit.message ??= '';
    asked.chars += hit.message.length;
    rows.hits.push(hit);
  }
  rowCount.value = rows.hits.length;
  full.value = rows.hits.length >= bounds.rows || asked.chars >= bounds.messageChars;
}

/** What to ask for to read on behind the last row: the rows of its very time come again and are known by their ids. */
function onward({ parameters, order }: Question): Parameters {
  const last = rows.hits.at(-1)?.['@timestamp'];
  if (last === undefined) return parameters;
  return order === 'desc' ? { ...parameters, from: frozen.from, to: last } : { ...parameters, from: last };
}
