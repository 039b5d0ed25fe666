import { details, highlighted } from './details.js';
import { element } from './dom.js';
import { clockTime, shortDate } from './time.js';

/** @typedef {import('./api.js').Hit} Hit */

/** Characters of a message in its row. */
const rowShown = 600;
/** Where a match that lies far behind is moved to. */
const lead = 60;

/**
 * The list of hits. Rows are buttons, so that keyboard and screen readers can open them.
 * @param {HTMLElement} list
 * @param {(clause: string) => void} onFilter
 */
export function createResults(list, onFilter) {
  /** @type {Map<string, HTMLElement>} */
  let rows = new Map();
  const add = (/** @type {Hit} */ hit, /** @type {Node | null} */ before) => {
    const row = hitRow(hit, onFilter);
    rows.set(hit.id, row);
    list.insertBefore(row, before);
    return row;
  };
  return {
    clear() {
      rows = new Map();
      list.replaceChildren();
    },
    /** @param {Hit[]} hits */
    append(hits) {
      for (const hit of hits) if (!rows.has(hit.id)) add(hit, null);
    },
    /**
     * Puts what is new among the rows without touching the others, so that nothing open closes or jumps.
     * @param {Hit[]} hits the first page of a newer answer
     * @returns {boolean} false when no row of it was known: what lies between is unknown, nothing was changed
     */
    merge(hits) {
      if (rows.size > 0 && !hits.some((hit) => rows.has(hit.id))) return hits.length === 0;
      /** @type {Node | null} */
      let before = list.firstChild;
      for (const hit of hits) {
        const known = rows.get(hit.id);
        if (known === undefined) add(hit, before).classList.add('fresh');
        else before = known.nextSibling;
      }
      return true;
    },
    count: () => rows.size,
    hasOpen: () => list.querySelector('.open') !== null,
    /** Moves the focus by one row. @param {1 | -1} step */
    move(step) {
      const current = document.activeElement?.closest('.results > li');
      const next =
        current == null
          ? list.firstElementChild
          : step > 0
            ? current.nextElementSibling
            : current.previousElementSibling;
      const button = /** @type {HTMLElement | null | undefined} */ (next?.firstElementChild);
      button?.focus();
      button?.scrollIntoView({ block: 'nearest' });
    },
    /** Closes the open row that has the focus, else all. @returns {boolean} whether there was one */
    close() {
      const current = document.activeElement?.closest('.results > li');
      const open = [...(current ?? list).querySelectorAll('[aria-expanded="true"]')];
      for (const button of open) /** @type {HTMLElement} */ (button).click();
      if (open.length > 0)
        /** @type {HTMLElement | null | undefined} */ (current?.firstElementChild)?.focus();
      return open.length > 0;
    },
  };
}

/**
 * @param {Hit} hit
 * @param {(clause: string) => void} onFilter
 */
function hitRow(hit, onFilter) {
  const date = new Date(hit['@timestamp']);
  const badge = badgeOf(hit);
  const button = element(
    'button',
    { type: 'button', class: 'row', 'aria-expanded': 'false' },
    element(
      'time',
      { datetime: hit['@timestamp'], title: hit['@timestamp'] },
      element('span', { class: 'date' }, shortDate(date)),
      ` ${clockTime(date)}`,
    ),
    element('span', { class: `badge ${badge.tone}` }, badge.text),
    element('span', { class: 'host' }, hit.host ?? ''),
    element('span', { class: 'text' }, excerpt(hit)),
  );
  const row = element('li', { class: badge.tone }, button);
  button.addEventListener('click', () => {
    const open = button.getAttribute('aria-expanded') === 'true';
    button.setAttribute('aria-expanded', String(!open));
    row.classList.toggle('open', !open);
    if (open) row.lastElementChild?.remove();
    else row.append(details(hit, onFilter));
  });
  return row;
}

/** The part of a message that its row shows, with the first match in sight. @param {Hit} hit */
function excerpt({ message, highlight = [] }) {
  const match = highlight[0]?.[0] ?? 0;
  const start = match > 2 * lead ? match - lead : 0;
  const end = Math.min(message.length, start + rowShown);
  const fragment = highlighted(message, highlight, start, end);
  if (start > 0) fragment.prepend('… ');
  return fragment;
}

/** @type {Record<string, string>} */
const tones = {
  trace: 'faint',
  debug: 'faint',
  info: 'calm',
  notice: 'calm',
  warn: 'warn',
  error: 'bad',
  critical: 'bad',
  alert: 'bad',
  emergency: 'bad',
  fatal: 'bad',
};

/** The level, or the HTTP status, of a hit. @param {Hit} hit */
function badgeOf(hit) {
  if (hit.level !== undefined) return { text: hit.level, tone: tones[hit.level] ?? 'none' };
  const status = Number(hit['http.response.status_code']);
  if (!(status >= 100)) return { text: '', tone: 'none' };
  return { text: String(status), tone: status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good' };
}
