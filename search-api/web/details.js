import { countText, element } from './dom.js';

/** @typedef {import('./api.js').Hit} Hit */

/** Characters of a message that an opened row shows at first. */
const messageShown = 10_000;
const valueShown = 2_000;

/**
 * Everything about a hit.
 * @param {Hit} hit
 * @param {(clause: string) => void} onFilter adds a condition to the query
 */
export function details(hit, onFilter) {
  const rows = [...fieldsOf(hit)].map((field) => fieldRow(field, onFilter));
  return element(
    'div',
    { class: 'details' },
    message(hit),
    element('div', { class: 'scroll' }, element('table', {}, element('tbody', {}, ...rows))),
  );
}

/** @param {Hit} hit */
function message(hit) {
  const pre = element('pre', { tabindex: '0', 'aria-label': 'Message' });
  const { message: text, highlight } = hit;
  pre.append(highlighted(text, highlight ?? [], 0, Math.min(text.length, messageShown)));
  const copy = element(
    'button',
    { type: 'button', class: 'copy', onclick: () => copyText(copy, text) },
    'Copy',
  );
  const box = element('div', { class: 'message' }, pre, copy);
  if (text.length <= messageShown) return box;
  const all = element(
    'button',
    {
      type: 'button',
      onclick: () => {
        pre.replaceChildren(highlighted(text, highlight ?? [], 0, text.length));
        all.remove();
      },
    },
    `Show all ${countText(text.length)} characters`,
  );
  box.append(all);
  return box;
}

/**
 * A piece of a text with its matches marked.
 * @param {string} text
 * @param {[number, number][]} ranges
 * @param {number} start
 * @param {number} end
 */
export function highlighted(text, ranges, start, end) {
  const fragment = document.createDocumentFragment();
  let at = start;
  for (const [from, to] of ranges) {
    if (to <= at) continue;
    if (from >= end) break;
    if (from > at) fragment.append(text.slice(at, from));
    fragment.append(element('mark', {}, text.slice(Math.max(at, from), Math.min(to, end))));
    at = Math.min(to, end);
  }
  if (at < end) fragment.append(text.slice(at, end));
  return fragment;
}

const hiddenNames = new Set(['message', 'highlight', 'fields']);
/** The record's own place first. */
const firstNames = ['@timestamp', 'file', 'offset', 'host', 'tag', 'level'];

/** @type {Record<string, string>} Names in queries where they are others than in hits. */
const queryNames = {
  id: '_id',
  generation: 'event.generation',
  host: 'host.name',
  file: 'log.file.path',
  offset: 'log.offset',
  level: 'log.level',
};

/**
 * Name, value and name in queries, in the order of the table.
 * @param {Hit} hit
 * @returns {Generator<[string, unknown, string]>}
 */
function* fieldsOf(hit) {
  for (const name of firstNames)
    if (hit[name] !== undefined) yield [name, hit[name], queryNames[name] ?? name];
  // A record's own field may be called like one of ours: `fields.` says which is meant.
  for (const [name, value] of leaves(hit.fields ?? {}, '')) yield [name, value, `fields.${name}`];
  for (const [name, value] of Object.entries(hit))
    if (!hiddenNames.has(name) && !firstNames.includes(name)) yield [name, value, queryNames[name] ?? name];
}

/**
 * @param {object} value
 * @param {string} prefix
 * @returns {Generator<[string, unknown]>}
 */
function* leaves(value, prefix) {
  for (const [name, item] of Object.entries(value)) {
    if (typeof item === 'object' && item !== null && !Array.isArray(item))
      yield* leaves(item, `${prefix}${name}.`);
    else yield [prefix + name, item];
  }
}

/**
 * @param {[string, unknown, string]} field
 * @param {(clause: string) => void} onFilter
 */
function fieldRow([name, value, queryName], onFilter) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const shown = text.length > valueShown ? `${text.slice(0, valueShown)}…` : text;
  const cell = element('td', {}, shown);
  const actions = element('td', { class: 'actions' });
  if (value !== null && !Array.isArray(value) && name !== '@timestamp' && text.length <= 256) {
    const clause = `${escapeName(queryName)}:${quote(text)}`;
    actions.append(
      filterButton('+', `Only ${name} ${text}`, () => onFilter(clause)),
      filterButton('−', `Without ${name} ${text}`, () => onFilter(`-${clause}`)),
    );
  }
  return element('tr', {}, element('th', { scope: 'row' }, name), actions, cell);
}

/**
 * @param {string} sign
 * @param {string} label
 * @param {() => void} onClick
 */
function filterButton(sign, label, onClick) {
  return element('button', { type: 'button', title: label, 'aria-label': label, onclick: onClick }, sign);
}

/** @param {string} name */
function escapeName(name) {
  return name.replaceAll(/[^\p{L}\p{N}_.@]/gu, '\\$&');
}

/** @param {string} text */
function quote(text) {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/**
 * @param {HTMLElement} button
 * @param {string} text
 */
function copyText(button, text) {
  // The clipboard exists on https and localhost only.
  const done = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'));
  const say = (/** @type {string} */ label) => {
    button.textContent = label;
  };
  done.then(
    () => say('Copied'),
    () => say('Select and copy by hand'),
  );
}
