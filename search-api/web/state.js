/**
 * What the page shows; all of it is in the address, so that a link restores it.
 * @typedef {{q: string, from: string, to: string, sort: 'desc' | 'asc', live: boolean}} State
 */

/** Time ranges to choose from: label, `from` of the API, and how it is said in a sentence. */
export const ranges = /** @type {const} */ ([
  ['15m', 'now-15m', 'in the last 15 minutes'],
  ['1h', 'now-1h', 'in the last hour'],
  ['4h', 'now-4h', 'in the last 4 hours'],
  ['24h', 'now-24h', 'in the last 24 hours'],
  ['7d', 'now-7d', 'in the last 7 days'],
  ['all', '*', 'at any time'],
]);

/** @returns {State} */
export function readState() {
  const parameters = new URLSearchParams(location.search);
  return {
    q: parameters.get('q') ?? '',
    from: parameters.get('from') || 'now-15m',
    to: parameters.get('to') || '*',
    sort: parameters.get('sort') === 'asc' ? 'asc' : 'desc',
    live: parameters.get('live') === '1',
  };
}

/**
 * @param {State} state
 * @param {boolean} replace the current entry of the history, for what nobody wants to go back to
 */
export function writeState(state, replace) {
  const parameters = new URLSearchParams();
  if (state.q !== '') parameters.set('q', state.q);
  if (state.from !== 'now-15m') parameters.set('from', state.from);
  if (state.to !== '*') parameters.set('to', state.to);
  if (state.sort !== 'desc') parameters.set('sort', state.sort);
  if (state.live) parameters.set('live', '1');
  const text = parameters.toString();
  const url = text === '' ? location.pathname : `?${text}`;
  if (`${location.pathname}${location.search}` === `${location.pathname}${text === '' ? '' : url}`) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
}

/**
 * The parameters that searches and histograms share.
 * @param {State} state
 */
export function whatOf(state) {
  return { q: state.q, from: state.from, to: state.to };
}

/** @param {State} state */
export function rangeSentence(state) {
  const range = state.to === '*' ? ranges.find(([, from]) => from === state.from) : undefined;
  return range === undefined ? 'in this time range' : range[2];
}
