import { frontList } from '../list/front.ts';
import {
  activeHit,
  closeOpen,
  errorFrom,
  type ListModel,
  moveBy,
  moveTo,
  toggleOpen,
} from '../list/model.ts';
import { events } from '../panes/events.tsx';
import { busy, complete, full, readMore, rowCount, stopSearch } from '../state/search.ts';
import { togglePaused } from '../state/tail.ts';
import { ask, go, view } from '../state/view.ts';
import { pickerOpen, step, zoomOut } from '../time/picker.tsx';
import { type Key, t } from '../words/words.ts';
import { openContext, say, shareView, toggleTail } from './actions.ts';
import { openPanel, panel } from './panels.ts';

export interface Binding {
  /** As `KeyboardEvent.key` has them. */
  keys: string[];
  word: Key;
  run(): unknown;
}

/** The list that keys are about: the one that is in front. */
const list = (): ListModel => frontList() ?? events;

export const bindings: Binding[] = [
  { keys: ['/'], word: 'key.query', run: focusQuery },
  { keys: ['j', 'ArrowDown'], word: 'key.next', run: () => move(1) },
  { keys: ['k', 'ArrowUp'], word: 'key.previous', run: () => move(-1) },
  { keys: ['Enter', 'o'], word: 'key.open', run: () => toggleOpen(list(), list().active.peek()) },
  { keys: ['e'], word: 'key.error', run: () => void nextError(1) },
  { keys: ['E'], word: 'key.errorBack', run: () => void nextError(-1) },
  { keys: ['g', 'Home'], word: 'key.top', run: () => moveTo(list(), 0) },
  { keys: ['G', 'End'], word: 'key.bottom', run: () => void toBottom() },
  { keys: ['PageDown', 'd'], word: 'key.pageDown', run: () => moveBy(list(), 20) },
  { keys: ['PageUp', 'u'], word: 'key.pageUp', run: () => moveBy(list(), -20) },
  { keys: ['['], word: 'key.timeBack', run: () => step(-1) },
  { keys: [']'], word: 'key.timeForward', run: () => step(1) },
  { keys: ['z'], word: 'key.zoomOut', run: zoomOut },
  {
    keys: ['i'],
    word: 'key.histogram',
    run: () => document.querySelector<HTMLElement>('.histogram')?.focus(),
  },
  { keys: ['.'], word: 'key.time', run: () => pickerOpen.toggle() },
  { keys: ['c'], word: 'key.context', run: contextOfActive },
  { keys: ['t'], word: 'key.tail', run: toggleTail },
  { keys: [' '], word: 'key.pause', run: () => view.peek().live && togglePaused() },
  {
    keys: ['p'],
    word: 'key.patterns',
    run: () => go({ tab: view.peek().tab === 'patterns' ? 'events' : 'patterns' }),
  },
  { keys: ['r'], word: 'key.again', run: ask },
  { keys: ['s'], word: 'key.saved', run: () => openPanel('saved') },
  { keys: ['x'], word: 'key.export', run: () => openPanel('export') },
  { keys: ['y'], word: 'key.share', run: () => void shareView() },
  { keys: ['?'], word: 'key.help', run: () => openPanel('help') },
  { keys: ['Escape'], word: 'key.escape', run: stepBack },
];

export function bindKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (panel.peek() !== undefined || document.querySelector('dialog[open]:not(.drawer)') !== null) return;
    const target = event.target as HTMLElement;
    if (target.closest('input, textarea, select, [role=menu]') !== null) return;
    const isControl = target.closest('button, a, summary') !== null;
    if (isControl && (event.key === 'Enter' || event.key === ' ')) return;
    const scrolls = target.closest('pre, .many, .table-view') !== null;
    if (scrolls && /^(?:Arrow|Page|Home|End)/.test(event.key)) return;
    const found = bindings.find(({ keys }) => keys.includes(event.key));
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  });
}

/** Along the rows, or along the patterns where those are shown. */
function move(step: 1 | -1): void {
  if (view.peek().tab === 'events' || view.peek().context !== '') {
    moveBy(list(), step);
    return;
  }
  const items = [...document.querySelectorAll<HTMLElement>('[data-item]')];
  const at = items.indexOf(document.activeElement?.closest<HTMLElement>('[data-item]') as HTMLElement);
  items[Math.max(0, Math.min(items.length - 1, at < 0 ? 0 : at + step))]?.focus();
}

export function focusQuery(): void {
  const box = document.getElementById('q') as HTMLTextAreaElement | null;
  box?.focus();
  box?.select();
}

/** The next error, also when more rows are needed to find it. */
async function nextError(direction: 1 | -1): Promise<void> {
  const model = list();
  for (;;) {
    const index = errorFrom(model, direction);
    if (index !== undefined) return moveTo(model, index, true, true);
    if (model !== events || direction < 0 || complete.peek() || full.peek()) break;
    if (!(await readMore())) break;
  }
  say(t('key.noError'));
}

/** To the last row, which all rows before it are loaded for; Escape stops that. */
async function toBottom(): Promise<void> {
  const model = list();
  if (model === events) {
    while (!complete.peek() && !full.peek()) {
      say(t('foot.loading', { count: rowCount.peek() }));
      if (!(await readMore())) break;
    }
  }
  moveTo(model, model.count.peek() - 1);
}

function contextOfActive(): void {
  const hit = activeHit(list());
  if (hit === undefined) say(t('key.chooseFirst'));
  else openContext(hit);
}

/** One step back: what is open closes, what runs stops. */
function stepBack(): void {
  if (view.peek().context !== '') go({ context: '' });
  else if (busy.peek()) stopSearch();
  else if (!closeOpen(list())) list().active.value = -1;
}
