import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Hit } from '../api/types.ts';
import { openStats } from '../fields/stats.tsx';
import { columns, filterBy, toggleColumn } from '../shell/actions.ts';
import { countText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { sliceOf } from './maths.ts';
import { columnName, type Field, fieldsOf, textOf } from './values.ts';

/** From so many fields on, only those in sight are drawn, each in one line. */
const manyFields = 120;
const rowHeight = 28;
const valueShown = 2000;

/** The fields of an event, with what can be done with each; a search among them when there are many. */
export function FieldTable({ hit }: { hit: Hit }) {
  const wanted = useSignal('');
  const all = fieldsOf(hit);
  const text = wanted.value.toLowerCase();
  const shown = all.filter(
    ({ name, value }) =>
      text === '' || name.toLowerCase().includes(text) || textOf(value).toLowerCase().includes(text),
  );
  return (
    <>
      {all.length > 25 && (
        <div class="field-search">
          <input
            type="search"
            aria-label={t('fields.search')}
            placeholder={t('fields.search')}
            value={wanted.value}
            onInput={(event) => (wanted.value = event.currentTarget.value)}
          />
          <span class="muted">{t('fields.count', { count: countText(shown.length, manner.value) })}</span>
        </div>
      )}
      {all.length > manyFields ? <Many fields={shown} /> : <Rows fields={shown} />}
    </>
  );
}

function Rows({ fields }: { fields: Field[] }) {
  return (
    <table class="fields" aria-label={t('fields')}>
      <tbody>
        {fields.map((field) => (
          <FieldRow key={field.queryName} field={field} />
        ))}
      </tbody>
    </table>
  );
}

/** A thousand fields: a window on them. */
function Many({ fields }: { fields: Field[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const layout = { count: fields.length, rowHeight, extras: [] };
  const slice = sliceOf(layout, top.value, 420, 8);
  useEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [fields.length]);
  return (
    <div
      ref={scroller}
      class="many"
      role="region"
      tabIndex={0}
      aria-label={t('fields')}
      onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
    >
      <div style={{ height: `${fields.length * rowHeight}px` }}>
        <table
          class="fields fixed"
          aria-rowcount={fields.length}
          style={{ transform: `translateY(${slice.top}px)` }}
        >
          <tbody>
            {fields.slice(slice.first, slice.end).map((field) => (
              <FieldRow key={field.queryName} field={field} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function FieldRow({ field: { name, queryName, value } }: { field: Field }) {
  const text = textOf(value);
  const canFilter =
    value !== null &&
    !Array.isArray(value) &&
    typeof value !== 'object' &&
    text.length <= 256 &&
    name !== '@timestamp';
  const isColumn = columns.value.includes(columnName(queryName));
  const say = { name, value: text.slice(0, 80) };
  return (
    <tr>
      <td class="actions">
        {canFilter && (
          <>
            <button
              type="button"
              aria-label={t('filter.in', say)}
              title={t('filter.in', say)}
              onClick={() => filterBy(queryName, value, false)}
            >
              +
            </button>
            <button
              type="button"
              aria-label={t('filter.out', say)}
              title={t('filter.out', say)}
              onClick={() => filterBy(queryName, value, true)}
            >
              −
            </button>
          </>
        )}
        <button
          type="button"
          aria-pressed={isColumn}
          aria-label={t('column.toggle', { name })}
          title={t('column.toggle', { name })}
          onClick={() => toggleColumn(columnName(queryName))}
        >
          ▥
        </button>
        <button
          type="button"
          aria-label={t('stats.open', { name })}
          title={t('stats.open', { name })}
          onClick={() => openStats(queryName)}
        >
          ≡
        </button>
      </td>
      <th scope="row">{name}</th>
      <td class="value">{text.length > valueShown ? `${text.slice(0, valueShown)}…` : text}</td>
    </tr>
  );
}
