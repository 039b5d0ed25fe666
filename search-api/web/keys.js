/**
 * Keys that work anywhere on the page, but not while something is typed.
 * @param {{input: HTMLInputElement, help: HTMLDialogElement, toggleLive: () => void, run: () => void,
 *   results: {move: (step: 1 | -1) => void, close: () => boolean}}} page
 */
export function bindKeys({ input, help, toggleLive, run, results }) {
  /** @type {Record<string, () => void>} */
  const keys = {
    '/': () => input.select(),
    j: () => results.move(1),
    k: () => results.move(-1),
    r: run,
    l: toggleLive,
    '?': () => help.showModal(),
    Escape: () => void results.close(),
  };
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = event.target instanceof HTMLInputElement;
    if (typing) {
      if (event.key === 'Escape') /** @type {HTMLElement} */ (event.target).blur();
      return;
    }
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}
