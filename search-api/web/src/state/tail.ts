import { readExact } from '@millrace/core/parse/exact-integers.ts';
import { batch, signal } from '@preact/signals';
import { ApiError, address, getJson, isAbsent, type Parameters, probe } from '../api/client.ts';
import type { ErrorBody, Hit, Page, TailSkip, TailState } from '../api/types.ts';
import { createModel, resetModel, shiftModel } from '../list/model.ts';
import { withoutStages } from '../query/edit.ts';
import { t } from '../words/words.ts';
import { RecentIds } from './recent.ts';
import { TailSince } from './tail-since.ts';
import { view } from './view.ts';

/** Rows kept while somebody watches the end, while somebody reads further up, and held back while paused. */
const watchedMax = 10_000;
const readMax = 50_000;
const heldMax = 20_000;
/** Rows of the time before that are shown at first. */
const earlierRows = 200;
const retryMs = 3000;

const shown: { hits: Hit[] } = { hits: [] };
let held: Hit[] = [];
export const tailCount = signal(0);
export const tail = createModel(() => shown.hits, tailCount);
export const paused = signal(false);
export const heldCount = signal(0);
/** True while the list is at its end. */
export const following = signal(true);
/** Events that were not sent, or not kept while paused. */
export const skipped = signal(0);
export const tailState = signal<TailState | undefined>(undefined);
export const tailProblem = signal<string | undefined>(undefined);

let source: EventSource | undefined;
let ended = new AbortController();
let seen = new RecentIds(readMax);

export function startTail(): void {
  stopTail();
  ended = new AbortController();
  seen = new RecentIds(readMax);
  shown.hits = [];
  held = [];
  resetModel(tail);
  batch(() => {
    tailCount.value = 0;
    heldCount.value = 0;
    skipped.value = 0;
    paused.value = false;
    following.value = true;
    tailState.value = undefined;
    tailProblem.value = undefined;
  });
  void begin(ended.signal);
}

export function stopTail(): void {
  ended.abort();
  source?.close();
  source = undefined;
}

export function togglePaused(): void {
  paused.value = !paused.value;
  if (paused.value) return;
  const hits = held;
  held = [];
  heldCount.value = 0;
  show(hits);
}

/** The lines before, then what comes: what both bring is shown once. */
async function begin(stop: AbortSignal): Promise<void> {
  const what = question();
  const since = new TailSince(performance.now());
  try {
    const { from, to } = view.peek();
    const page = await getJson<Page>('api/v1/search', { ...what, from, to, size: String(earlierRows) }, stop);
    take(page.hits.reverse());
  } catch (error) {
    if (stop.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    tailProblem.value = error.message;
    if (error.status === 400) return;
  }
  listen(what, since, stop);
}

function question(): Record<string, string> {
  const { q, stream } = view.peek();
  return { q: withoutStages(q), ...(stream === '' ? {} : { stream }) };
}

function listen(what: Record<string, string>, since: TailSince, stop: AbortSignal): void {
  if (stop.aborted) return;
  const asked = () => ({ ...what, since: since.text(performance.now()) });
  const events = new EventSource(address('api/v1/tail', asked()));
  source = events;
  const on = <T>(type: string, handle: (body: T) => void) =>
    events.addEventListener(type, (event) => {
      // An error of the connection is an event called error too, without data.
      if (!(event instanceof MessageEvent)) return;
      handle(readExact(String(event.data)) as T);
      since.read(event.lastEventId);
    });
  on<{ hits: Hit[] }>('hits', ({ hits }) => take(hits));
  on<TailSkip>('skipped', ({ count }) => {
    skipped.value += count;
  });
  on<TailState>('state', (state) => {
    tailState.value = state;
    tailProblem.value = undefined;
  });
  on<ErrorBody>('error', ({ message }) => {
    tailProblem.value = message;
  });
  events.onerror = () => {
    // Open: what the server said is wrong comes here as well.
    if (stop.aborted || events.readyState === EventSource.OPEN) return;
    tailState.value = undefined;
    // A connection that broke is made again by the browser; one that was refused is not.
    if (events.readyState !== EventSource.CLOSED) return;
    void refused(asked(), stop, () => listen(what, since, stop));
  };
}

/** Why there is no tail; tries again where that may help. */
async function refused(asked: Parameters, stop: AbortSignal, again: () => void): Promise<void> {
  try {
    await probe('api/v1/tail', asked, stop);
  } catch (error) {
    if (stop.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    tailProblem.value = isAbsent(error) ? t('absent') : error.message;
    if (error.status >= 400 && error.status < 500 && error.status !== 429) return;
  }
  if (stop.aborted) return;
  await new Promise((resolve) => setTimeout(resolve, retryMs));
  again();
}

function take(hits: Hit[]): void {
  const fresh = hits.filter(({ id }) => seen.add(id));
  if (fresh.length === 0) return;
  // Who reads further up keeps what they read: what comes waits rather than pushing it out.
  if (!following.peek() && shown.hits.length >= readMax) paused.value = true;
  if (!paused.peek()) {
    show(fresh);
    return;
  }
  held.push(...fresh);
  if (held.length > heldMax) skipped.value += held.splice(0, held.length - heldMax).length;
  heldCount.value = held.length;
}

function show(hits: Hit[]): void {
  shown.hits.push(...hits);
  const spare = shown.hits.length - watchedMax;
  batch(() => {
    if (following.peek() && spare > watchedMax / 4) {
      shown.hits.splice(0, spare);
      shiftModel(tail, spare);
    }
    tailCount.value = shown.hits.length;
  });
}
