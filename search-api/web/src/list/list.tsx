import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { openValueMenu } from '../shell/value-menu.tsx';
import { manner, t } from '../words/words.ts';
import { templateOf, widthsOf } from './columns.ts';
import { Details } from './details.tsx';
import { scrollTo, sliceOf, topOf } from './maths.ts';
import { type ListModel, toggleOpen } from './model.ts';
import { Row } from './row.tsx';

interface ListProps {
  model: ListModel;
  name: string;
  label: string;
  columns: readonly string[];
  /** Counts answers: the widths of columns are those of its first rows. */
  generation: number;
  withDay: boolean;
  chosen?: string;
  /** Called when the end comes near. */
  onNearEnd?(): void;
  /** Stays at the end while rows come, until somebody scrolls away; told whether it does. */
  follow?: { on: boolean; changed(on: boolean): void };
  /** Another answer is about the same place: the list does not go to its top. */
  keepPlace?: boolean;
  onRemoveColumn?(name: string): void;
  footer?: ComponentChildren;
}

const overscan = 12;
const nearEndRows = 150;

/** Events, one a row, drawn only where somebody looks: 100,000 rows cost as much as fifty. */
export function List(props: ListProps) {
  const { model, name, columns, generation, withDay, follow } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const { place, layout } = useWindow(scroller, model, props);
  const count = model.count.value;
  const hits = model.hits();
  const slice = sliceOf(layout.value, place.value.top, place.value.height, overscan);
  // Rows come some at a time: widths are looked at again until there are enough to go by.
  const sampled = Math.min(3, Math.ceil(count / 100));
  const widths = useMemo(() => widthsOf(columns, model.hits()), [columns, generation, sampled]);
  const template = templateOf(widths, withDay);

  useLayoutEffect(() => {
    if (follow?.on && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [count, follow?.on]);

  const active = model.active.value;
  const open = model.open.value;
  return (
    <div
      ref={scroller}
      class="list"
      role="treegrid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-colcount={columns.length + 3}
      aria-activedescendant={active >= slice.first && active < slice.end ? `${name}-${active}` : undefined}
      onClick={(event) => clicked(event, model)}
      style={{ '--template': template }}
    >
      <div ref={head} class="row head" role="row" aria-rowindex={1}>
        <span role="columnheader">{t('column.time')}</span>
        <span role="columnheader">{t('column.level')}</span>
        {columns.map((column) => (
          <span role="columnheader" key={column} title={column}>
            {column}
            {props.onRemoveColumn && (
              <button
                type="button"
                tabIndex={-1}
                aria-label={t('column.remove', { name: column })}
                title={t('column.remove', { name: column })}
                onClick={() => props.onRemoveColumn?.(column)}
              >
                ×
              </button>
            )}
          </span>
        ))}
        <span role="columnheader">{t('column.message')}</span>
      </div>
      <div class="canvas" role="rowgroup" style={{ height: `${heightWithin(layout.value)}px` }}>
        <div class="slice" role="presentation" style={{ transform: `translateY(${slice.top}px)` }}>
          {hits.slice(slice.first, slice.end).flatMap((hit, i) => {
            const index = slice.first + i;
            const isOpen = open.has(index);
            const row = (
              <Row
                key={hit.id}
                hit={hit}
                id={`${name}-${index}`}
                index={index}
                active={index === active}
                open={isOpen}
                columns={columns}
                withDay={withDay}
                manner={manner.value}
                chosen={hit.id === props.chosen}
              />
            );
            return isOpen ? [row, <Opened key={`${hit.id} open`} model={model} index={index} />] : [row];
          })}
        </div>
      </div>
      {props.footer}
    </div>
  );
}

function heightWithin(layout: Parameters<typeof topOf>[0]): number {
  return topOf(layout, layout.count);
}

/** What an open row has below it; its height is told to the model, so that the rows behind it know where they are. */
function Opened({ model, index }: { model: ListModel; index: number }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const measure = () => {
      const height = element.offsetHeight;
      const open = model.open.peek();
      if (open.get(index) === height || !open.has(index)) return;
      model.open.value = new Map(open).set(index, height);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [model, index]);
  const hit = model.hits()[index];
  if (hit === undefined) return null;
  return (
    <div ref={box} class="opened" role="row" aria-level={2}>
      <div role="gridcell" aria-colspan={99}>
        <Details hit={hit} />
      </div>
    </div>
  );
}

/** The stretch of the list that can be seen, and what moves it. */
function useWindow(scroller: { current: HTMLDivElement | null }, model: ListModel, props: ListProps) {
  const place = useSignal({ top: 0, height: 800 });
  const rowHeight = useSignal(26);
  const layout = useComputed(() => ({
    count: model.count.value,
    rowHeight: rowHeight.value,
    extras: [...model.open.value].sort(([a], [b]) => a - b),
  }));
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const look = () => {
      const height = element.clientHeight;
      const top = element.scrollTop;
      if (place.peek().top !== top || place.peek().height !== height) place.value = { top, height };
      const { follow, onNearEnd } = latest.current;
      const toEnd = element.scrollHeight - top - height;
      if (toEnd < nearEndRows * rowHeight.peek()) onNearEnd?.();
      if (follow !== undefined && follow.on !== toEnd < 40) follow.changed(toEnd < 40);
    };
    const measure = () => {
      rowHeight.value = Number.parseFloat(getComputedStyle(element).getPropertyValue('--row')) || 26;
      look();
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    measure();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [scroller, place, rowHeight]);

  // Another answer begins at its top.
  useEffect(() => {
    if (scroller.current && props.follow === undefined && !props.keepPlace) scroller.current.scrollTop = 0;
  }, [props.generation]);

  useSignalEffect(() => {
    const wanted = model.wanted.value;
    const element = scroller.current;
    if (wanted === undefined || element === null) return;
    const headHeight = rowHeight.peek();
    const height = element.clientHeight - headHeight;
    const now = element.scrollTop;
    const margin = wanted.centre ? height / 2 : rowHeight.peek();
    const top = scrollTo(layout.peek(), wanted.index, now, height, margin);
    if (top !== now) element.scrollTop = top;
    if (wanted.focus) element.focus({ preventScroll: true });
  });
  return { place, layout };
}

function clicked(event: MouseEvent, model: ListModel): void {
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>('.row[data-index]');
  if (row === null) return;
  const index = Number(row.dataset.index);
  const value = target.closest<HTMLElement>('[data-value]');
  if (value?.dataset.field !== undefined && value.dataset.value !== undefined) {
    model.active.value = index;
    openValueMenu(value, value.dataset.field, value.dataset.value);
    return;
  }
  // Whoever marks text wants to copy it, not to open the row.
  if (getSelection()?.isCollapsed === false) return;
  toggleOpen(model, index);
}
