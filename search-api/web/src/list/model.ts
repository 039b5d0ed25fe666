import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Hit } from '../api/types.ts';
import { isError } from './values.ts';

/** A list of events on the screen: which one is active, which are open, and where to scroll. */
export interface ListModel {
  hits(): readonly Hit[];
  count: ReadonlySignal<number>;
  /** Index of the row that keys act on; -1 for none. */
  active: Signal<number>;
  /** Open rows by index, with the height of what they have below them once it is measured. */
  open: Signal<ReadonlyMap<number, number>>;
  /** Asks the list to bring the row into sight; counted, so that asking twice is noticed. */
  wanted: Signal<{ index: number; focus: boolean; turn: number; centre: boolean } | undefined>;
}

export function createModel(hits: () => readonly Hit[], count: ReadonlySignal<number>): ListModel {
  return { hits, count, active: signal(-1), open: signal(new Map()), wanted: signal(undefined) };
}

/** Nothing active, nothing open: for other rows. */
export function resetModel(model: ListModel): void {
  model.active.value = -1;
  if (model.open.peek().size > 0) model.open.value = new Map();
}

export function moveTo(model: ListModel, index: number, focus = true, centre = false): void {
  const last = model.count.peek() - 1;
  if (last < 0) return;
  const bounded = Math.max(0, Math.min(last, index));
  model.active.value = bounded;
  model.wanted.value = { index: bounded, focus, centre, turn: (model.wanted.peek()?.turn ?? 0) + 1 };
}

export function moveBy(model: ListModel, step: number): void {
  const active = model.active.peek();
  moveTo(model, active < 0 ? 0 : active + step);
}

export function toggleOpen(model: ListModel, index: number): void {
  if (index < 0 || index >= model.count.peek()) return;
  const open = new Map(model.open.peek());
  if (!open.delete(index)) open.set(index, 0);
  model.open.value = open;
  model.active.value = index;
}

/** Closes the active row, else all; false when none was open. */
export function closeOpen(model: ListModel): boolean {
  const open = model.open.peek();
  if (open.size === 0) return false;
  const active = model.active.peek();
  const rest = new Map(open);
  if (!rest.delete(active)) rest.clear();
  model.open.value = rest;
  return true;
}

/** Index of the nearest error before or behind the active row; undefined when no row that is here is one. */
export function errorFrom(model: ListModel, step: 1 | -1): number | undefined {
  const hits = model.hits();
  const active = model.active.peek();
  const start = active < 0 ? (step > 0 ? 0 : hits.length - 1) : active + step;
  for (let index = start; index >= 0 && index < hits.length; index += step) {
    const hit = hits[index];
    if (hit !== undefined && isError(hit)) return index;
  }
  return undefined;
}

/** Rows were taken away at the front: what is kept by index moves along. */
export function shiftModel(model: ListModel, by: number): void {
  const active = model.active.peek();
  if (active >= 0) model.active.value = Math.max(-1, active - by);
  const open = [...model.open.peek()].map(([index, extra]): [number, number] => [index - by, extra]);
  if (open.length > 0) model.open.value = new Map(open.filter(([index]) => index >= 0));
}

export function activeHit(model: ListModel): Hit | undefined {
  return model.hits()[model.active.value];
}
