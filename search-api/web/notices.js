import { byId, element } from './dom.js';
import { rangeSentence } from './state.js';

/** @typedef {import('./state.js').State} State */

/**
 * What went wrong and what to do; undefined takes it away.
 * @param {import('./api.js').ApiError | undefined} error
 * @param {State} state
 */
export function showProblem(error, state) {
  const box = byId('problem');
  const input = byId('q');
  box.hidden = error === undefined;
  box.replaceChildren();
  input.removeAttribute('aria-invalid');
  if (error === undefined) return;
  const character = /^query, character (\d+): /.exec(error.message);
  const sentence = character === null ? error.message : error.message.slice(character[0].length);
  box.append(element('strong', {}, sentence.charAt(0).toUpperCase() + sentence.slice(1)));
  if (error.hint !== undefined)
    box.append(
      element(
        'p',
        {},
        `${error.hint.charAt(0).toUpperCase()}${error.hint.slice(1)}.`.replace(/([?.])\.$/, '$1'),
      ),
    );
  if (character === null) return;
  input.setAttribute('aria-invalid', 'true');
  box.append(place(state.q, Number(character[1]) - 1));
}

/**
 * The query around the character that an error is about.
 * @param {string} query
 * @param {number} at
 */
function place(query, at) {
  const start = Math.max(0, at - 60);
  const pointed = element('mark', {}, query.slice(at, at + 1) || ' ');
  return element('code', { class: 'place' }, query.slice(start, at), pointed, query.slice(at + 1, at + 60));
}

const examples = [
  'error',
  'level:error',
  'status:5xx',
  '"connection refused"',
  'host:web-1 -healthcheck',
  '_exists_:trace.id',
];

/**
 * What to do when nothing was found.
 * @param {boolean} empty
 * @param {State} state
 * @param {(change: Partial<State>) => void} go
 */
export function showEmpty(empty, state, go) {
  const box = byId('empty');
  box.hidden = !empty;
  box.replaceChildren();
  if (!empty) return;
  const link = (/** @type {string} */ label, /** @type {Partial<State>} */ change) =>
    element('button', { type: 'button', onclick: () => go(change) }, label);
  const what = state.q === '' ? 'No events' : 'Nothing matches';
  box.append(element('h2', {}, `${what} ${rangeSentence(state)}`));
  const wider = [];
  if (state.from !== 'now-24h' && state.from !== '*')
    wider.push(link('Search the last 24 hours', { from: 'now-24h', to: '*' }));
  if (state.from !== '*' || state.to !== '*') wider.push(link('Search all time', { from: '*', to: '*' }));
  if (state.q !== '') wider.push(link('Show everything in this time', { q: '' }));
  box.append(element('p', { class: 'choices' }, ...wider));
  if (state.q === '' && state.from === '*' && state.to === '*')
    box.append(
      element('p', {}, 'Nothing has been indexed yet. A line is here about a second after it was written.'),
    );
  else
    box.append(
      element('p', {}, 'All words must occur; write OR between words to find either. Some queries:'),
      element('p', { class: 'choices' }, ...examples.map((q) => link(q, { q }))),
    );
}
