import { signal } from '@preact/signals';
import { asksTheSame, parseView, type View, viewText } from './address.ts';

/** What is shown now. */
export const view = signal<View>(parseView(location.search));

type Listener = () => void;
const listeners: Listener[] = [];

/** Called when the server is to be asked another question. */
export function onQuestion(listener: Listener): void {
  listeners.push(listener);
}

/**
 * Changes what is shown: a step that the browser's back button undoes when it is another question, else a change of
 * the address only.
 */
export function go(change: Partial<View>): void {
  const before = view.value;
  const after = { ...before, ...change };
  if (!asksTheSame(before, after)) Object.assign(after, { context: '', open: '', ...change });
  view.value = after;
  const isStep = !asksTheSame(before, after) || before.tab !== after.tab || before.context !== after.context;
  const url = `${location.pathname}${viewText(after)}`;
  if (url !== `${location.pathname}${location.search}`)
    history[isStep ? 'pushState' : 'replaceState'](null, '', url);
  if (needsAsking(before, after)) ask();
}

/** Whoever followed what arrives comes back to rows of before. */
function needsAsking(before: View, after: View): boolean {
  return !asksTheSame(before, after) || (before.live && !after.live);
}

/** Asks again what is asked already. */
export function ask(): void {
  for (const listener of listeners) listener();
}

addEventListener('popstate', () => {
  const before = view.value;
  view.value = parseView(location.search);
  if (needsAsking(before, view.value)) ask();
});
