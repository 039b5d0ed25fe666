import { byId, element } from './dom.js';
import { ranges } from './state.js';
import { inputTime } from './time.js';

/**
 * The choice of a time range.
 * @param {(from: string, to: string) => void} onChoose
 */
export function createRanges(onChoose) {
  const group = byId('ranges');
  const custom = byId('custom');
  const [fromInput, toInput] = [byId('from'), byId('to')];
  const buttons = ranges.map(([label, from, sentence]) =>
    element(
      'button',
      { type: 'button', 'data-from': from, title: `Events ${sentence}`, onclick: () => onChoose(from, '*') },
      label,
    ),
  );
  const customButton = element(
    'button',
    {
      type: 'button',
      'aria-expanded': 'false',
      'aria-controls': 'custom',
      onclick: () => {
        open(custom.hidden);
        if (!custom.hidden) fromInput.focus();
      },
    },
    'custom',
  );
  group.append(...buttons, customButton);
  custom.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    const from = fromInput.value === '' ? '*' : new Date(fromInput.value).toISOString();
    onChoose(from, toInput.value === '' ? '*' : new Date(toInput.value).toISOString());
  });

  /** @param {boolean} shown */
  function open(shown) {
    custom.hidden = !shown;
    customButton.setAttribute('aria-expanded', String(shown));
  }

  return {
    /** @param {import('./state.js').State} state */
    show(state) {
      const preset = state.to === '*' && ranges.some(([, from]) => from === state.from);
      for (const button of buttons)
        button.setAttribute('aria-pressed', String(preset && button.dataset.from === state.from));
      customButton.setAttribute('aria-pressed', String(!preset));
      open(!preset);
      fromInput.value = localOf(state.from);
      toInput.value = localOf(state.to);
    },
  };
}

/** A time of the address as an input shows it; relative times have no such form. @param {string} text */
function localOf(text) {
  const date = new Date(/^\d+$/.test(text) ? Number(text) : text);
  return Number.isNaN(date.getTime()) ? '' : inputTime(date);
}
