import { ApiError, fetchHistogram, fetchPage } from './api.js';
import { byId, countText } from './dom.js';
import { createHistogram } from './histogram.js';
import { bindKeys } from './keys.js';
import { showEmpty, showProblem } from './notices.js';
import { createRanges } from './ranges.js';
import { createResults } from './results.js';
import { rangeSentence, readState, whatOf, writeState } from './state.js';

const pageSize = '100';
/** Rows that come by scrolling; more on demand. */
const scrollMax = 3000;
const liveMs = 2000;
/** Rows that a refresh fetches at most to close up with those that are there. */
const refreshMax = '1000';
/** Rows at which a refresh begins anew. */
const rowsMax = 10_000;

let state = readState();
/** @type {string | null} */
let cursor = null;
let search = new AbortController();
let loadingMore = false;

const input = byId('q');
const status = byId('status');
const more = byId('more');
const live = byId('live');

const results = createResults(byId('results'), (clause) =>
  go({ q: `${needsParentheses(state.q)} ${clause}`.trim() }),
);
const histogram = createHistogram(byId('histogram'), (fromMs, toMs) =>
  go({ from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }),
);
const ranges = createRanges((from, to) => go({ from, to }));

/** A new condition must hold beside all of the query, not beside the last part of an OR. @param {string} q */
function needsParentheses(q) {
  return /\sOR\s|\|\|/.test(q) && !/^\([^()]*\)$/.test(q) ? `(${q})` : q;
}

/**
 * Changes what is shown, as a step that the browser's back button undoes.
 * @param {Partial<import('./state.js').State>} change
 */
function go(change) {
  state = { ...state, ...change };
  writeState(state, false);
  void run();
}

/** Controls as the state has them. */
function showState() {
  input.value = state.q;
  ranges.show(state);
  live.setAttribute('aria-pressed', String(state.live));
  byId('order').textContent = state.sort === 'desc' ? 'Newest first ↓' : 'Oldest first ↑';
  document.title = state.q === '' ? 'Millrace' : `${state.q} · Millrace`;
}

/** Searches anew. */
async function run() {
  search.abort();
  search = new AbortController();
  const { signal } = search;
  // The next page of the question before is no answer to this one.
  cursor = null;
  more.hidden = true;
  showState();
  document.body.classList.add('busy');
  try {
    await Promise.all([showFirst(signal), drawHistogram(signal)]);
  } catch (error) {
    fail(error, signal);
  } finally {
    if (signal === search.signal) document.body.classList.remove('busy');
  }
}

/** @param {AbortSignal} signal */
async function showFirst(signal) {
  const page = await fetchPage({ ...whatOf(state), size: pageSize, sort: state.sort }, signal);
  showProblem(undefined, state);
  document.body.classList.remove('stale');
  results.clear();
  results.append(page.hits);
  showPage(page);
}

/** @param {AbortSignal} signal */
async function drawHistogram(signal) {
  histogram.show(await fetchHistogram({ ...whatOf(state), buckets: '80' }, signal));
}

/** @param {import('./api.js').Page} page */
function showPage(page) {
  cursor = page.next_cursor;
  showStatus(page);
  showMore();
  showEmpty(results.count() === 0, state, go);
}

/** @param {import('./api.js').Page} page */
function showStatus({ total, took_ms: tookMs }) {
  const count = `${total.relation === 'gte' ? 'over ' : ''}${countText(total.value)}`;
  status.textContent = `${count} ${total.value === 1 ? 'event' : 'events'} ${rangeSentence(state)} · ${tookMs} ms`;
}

function showMore() {
  more.hidden = cursor === null;
  more.textContent = `Load more (${countText(results.count())} shown)`;
}

async function loadMore() {
  if (cursor === null || loadingMore) return;
  loadingMore = true;
  const { signal } = search;
  try {
    const page = await fetchPage({ ...whatOf(state), size: pageSize, sort: state.sort, cursor }, signal);
    if (signal.aborted) return;
    results.append(page.hits);
    cursor = page.next_cursor;
    showMore();
  } catch (error) {
    fail(error, signal);
  } finally {
    loadingMore = false;
  }
}

/** Looks for what is new, leaving rows where they are. */
async function refresh() {
  const { signal } = search;
  try {
    let page = await fetchPage({ ...whatOf(state), size: pageSize, sort: state.sort }, signal);
    if (signal.aborted) return;
    showProblem(undefined, state);
    if (document.body.classList.contains('stale')) return void run();
    if (!addNew(page)) {
      page = await fetchPage({ ...whatOf(state), size: refreshMax, sort: state.sort }, signal);
      // More came than is worth fetching: begin anew, unless somebody is reading a row.
      if (!signal.aborted && !addNew(page) && !results.hasOpen()) return void run();
    }
    if (signal.aborted) return;
    if (results.count() <= page.hits.length) cursor = page.next_cursor;
    showStatus(page);
    showMore();
    showEmpty(results.count() === 0, state, go);
    await drawHistogram(signal);
  } catch (error) {
    fail(error, signal);
  }
}

/**
 * @param {import('./api.js').Page} page the first page of a newer answer
 * @returns {boolean} false when it does not reach down to what is shown
 */
function addNew(page) {
  if (state.sort === 'desc') return results.count() < rowsMax && results.merge(page.hits);
  // Oldest first, what is new is behind the end of what is loaded.
  if (cursor === null) results.append(page.hits);
  return true;
}

/**
 * @param {unknown} error
 * @param {AbortSignal} signal
 */
function fail(error, signal) {
  if (signal.aborted) return;
  if (!(error instanceof ApiError)) throw error;
  showProblem(error, state);
  // What is still there answers an earlier question.
  document.body.classList.add('stale');
  status.textContent = '';
}

/** Live: the next look begins when the last one ended, so that a slow store is not asked twice at a time. */
async function follow() {
  if (state.live && !document.hidden && !document.body.classList.contains('busy')) await refresh();
  setTimeout(() => void follow(), liveMs);
}

function toggleLive() {
  state = { ...state, live: !state.live };
  writeState(state, true);
  showState();
  if (state.live) void refresh();
}

byId('search').addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault();
  const q = input.value.trim();
  if (q === state.q) void run();
  else go({ q });
});
byId('refresh').addEventListener('click', () => void run());
live.addEventListener('click', toggleLive);
byId('order').addEventListener('click', () => go({ sort: state.sort === 'desc' ? 'asc' : 'desc' }));
byId('help-open').addEventListener('click', () => byId('help').showModal());
more.addEventListener('click', () => void loadMore());
new IntersectionObserver(
  ([entry]) => {
    if (entry?.isIntersecting && results.count() < scrollMax) void loadMore();
  },
  { rootMargin: '800px' },
).observe(more);
addEventListener('popstate', () => {
  state = readState();
  void run();
});
bindKeys({ input, results, toggleLive, run: () => void run(), help: byId('help') });

void run();
void follow();
if (state.q === '') input.focus();
