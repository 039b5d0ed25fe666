import { computed, signal } from '@preact/signals';
import { fields } from '../state/facets.ts';
import { problem } from '../state/search.ts';
import { ask, go, view } from '../state/view.ts';
import { mistakeOf, placed } from './check.ts';
import { type Choice, earlier, type Offer, offerAt } from './choices.ts';
import { completed, narrowed, placeOf, wishAt } from './complete.ts';
import { remember } from './history.ts';

/** The query as it stands in the box, which need not be the one that is asked. */
export const text = signal(view.value.q);
const nothing: Offer = { wish: undefined, choices: [] };
export const offer = signal<Offer>(nothing);
/** Index of the choice that Enter takes; -1: none, Enter searches. */
export const chosen = signal(-1);
export const focused = signal(false);

/** What the server said about the query that is asked, or its parser here about the one that is typed. */
export const mistake = computed(() => {
  const error = problem.value;
  const isAsked = error?.code === 'QUERY_INVALID' && text.value.trim() === view.value.q;
  if (isAsked && (error.at !== undefined || /^query, character/.test(error.message)))
    return { ...placed(error.message, text.value, error.at), hint: error.hint };
  return mistakeOf(text.value);
});

let asking = new AbortController();
/** The box, while something is to be offered in it. */
let wanting: HTMLTextAreaElement | undefined;

// Who types before the fields are known is offered them when they come.
fields.subscribe(() => {
  if (wanting !== undefined) void suggest(wanting);
});

export async function suggest(input: HTMLTextAreaElement): Promise<void> {
  wanting = input;
  asking.abort();
  asking = new AbortController();
  const { signal: ended } = asking;
  // What is offered belongs to what was typed before: only what still fits stays until the answer.
  offer.value = narrowed(offer.value, wishAt(input.value, input.selectionStart));
  chosen.value = -1;
  const found = await offerAt(input.value, input.selectionStart, ended);
  if (ended.aborted || document.activeElement !== input) return;
  chosen.value = placeOf(offer.value.choices[chosen.value], found.choices);
  offer.value = found;
}

export function closeOffer(): void {
  wanting = undefined;
  asking.abort();
  offer.value = nothing;
  chosen.value = -1;
}

export function take(input: HTMLTextAreaElement | null, choice: Choice): void {
  const { wish } = offer.value;
  if (input === null) return;
  if (choice.whole || wish === undefined) text.value = choice.text;
  else {
    const done = completed(input.value, wish, choice.text);
    text.value = done.text;
    input.value = done.text;
    input.setSelectionRange(done.caret, done.caret);
  }
  input.focus();
  closeOffer();
  if (!choice.whole) void suggest(input);
}

/** The keys of the box, before the page's own. */
export function typed(event: KeyboardEvent): void {
  if (event.isComposing) return;
  const input = event.currentTarget as HTMLTextAreaElement;
  const { choices } = offer.value;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const marked = choices[event.key === 'Tab' ? Math.max(0, chosen.value) : chosen.value];
  if (step !== undefined && choices.length > 0) moveChoice(step, choices.length);
  else if (step !== undefined && text.value === '') offer.value = { wish: undefined, choices: earlier('') };
  else if (event.key === 'Tab' && !event.shiftKey && marked !== undefined) take(input, marked);
  else if (event.key === 'Enter' && !event.shiftKey) {
    if (marked !== undefined) take(input, marked);
    else submit();
  } else if (event.key === 'Escape') {
    if (choices.length > 0) closeOffer();
    else document.querySelector<HTMLElement>('.list')?.focus();
  } else if (event.key === ' ' && event.ctrlKey) void suggest(input);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function moveChoice(step: number, count: number): void {
  const from = chosen.value < 0 && step < 0 ? 0 : chosen.value;
  chosen.value = (from + step + count) % count;
}

function submit(): void {
  closeOffer();
  const q = text.value.trim();
  remember(q);
  if (q === view.value.q) ask();
  else go({ q });
}
