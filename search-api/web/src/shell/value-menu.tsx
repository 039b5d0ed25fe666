import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { openStats } from '../fields/stats.tsx';
import { columnName } from '../list/values.ts';
import { t } from '../words/words.ts';
import { filterBy, say, toggleColumn } from './actions.ts';
import { copyText } from './copy.tsx';

interface Menu {
  anchor: HTMLElement;
  field: string;
  value: string;
}

const menu = signal<Menu | undefined>(undefined);

export function openValueMenu(anchor: HTMLElement, field: string, value: string): void {
  menu.value = { anchor, field, value };
}

/** What can be done with a value in a row, next to it. */
export function ValueMenu() {
  const box = useRef<HTMLDivElement>(null);
  const shown = menu.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || shown === undefined) return;
    const near = shown.anchor.getBoundingClientRect();
    element.style.left = `${Math.max(8, Math.min(near.left, innerWidth - element.offsetWidth - 8))}px`;
    const below = near.bottom + 4;
    const fits = below + element.offsetHeight < innerHeight;
    element.style.top = `${fits ? below : near.top - element.offsetHeight - 4}px`;
    element.querySelector('button')?.focus();
  }, [shown]);
  useEffect(() => {
    if (shown === undefined) return undefined;
    const away = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) menu.value = undefined;
    };
    addEventListener('pointerdown', away);
    addEventListener('wheel', away, { passive: true });
    return () => {
      removeEventListener('pointerdown', away);
      removeEventListener('wheel', away);
    };
  }, [shown]);
  if (shown === undefined) return null;
  const { field, value } = shown;
  const items: [string, () => void][] = [
    [t('filter.only'), () => filterBy(field, value, false)],
    [t('filter.without'), () => filterBy(field, value, true)],
    [t('stats.title'), () => openStats(field)],
    [t('column.toggleThis'), () => toggleColumn(columnName(field))],
    [t('copy.value'), () => void copyText(value).then((done) => say(done ? t('copy.copied') : value))],
  ];
  const close = () => {
    menu.value = undefined;
    shown.anchor.closest<HTMLElement>('.list')?.focus({ preventScroll: true });
  };
  return (
    <div
      ref={box}
      class="menu value-menu"
      role="menu"
      aria-label={`${field} ${value}`}
      onKeyDown={(event) => menuKeys(event, close)}
    >
      <div class="menu-title">
        <span>{field}</span> <b>{value}</b>
      </div>
      {items.map(([text, run]) => (
        <button
          key={text}
          type="button"
          role="menuitem"
          onClick={() => {
            close();
            run();
          }}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

/** Arrows move within a menu, Escape and Tab leave it. */
export function menuKeys(event: KeyboardEvent, close: () => void): void {
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role^=menuitem]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step !== undefined) items[(at + step + items.length) % items.length]?.focus();
  else if (event.key === 'Escape' || event.key === 'Tab') close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
