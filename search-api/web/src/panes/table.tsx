import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Table } from '../api/types.ts';
import { toneOfLevel } from '../list/values.ts';
import { fullTime, numberText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { type Bars, barsOf, sorted } from './table-rows.ts';

const rowsShown = 500;

/** What a query with stages answers: sorted by a click on a column, with bars beside the numbers. */
export function TableView({ table }: { table: Table }) {
  const order = useSignal<{ column: number; order: 'asc' | 'desc' } | undefined>(undefined);
  const all = useSignal(false);
  const bars = useMemo(() => barsOf(table), [table]);
  const by = order.value;
  const rows = by === undefined ? table.rows : sorted(table.rows, by.column, by.order);
  const sortBy = (column: number) => {
    order.value = { column, order: by?.column === column && by.order === 'desc' ? 'asc' : 'desc' };
  };
  return (
    <div class="table-view" tabIndex={0} role="region" aria-label={t('table')}>
      <table>
        <thead>
          <tr>
            {table.columns.map(({ name, type }, i) => {
              const sort = by?.column === i ? (by.order === 'asc' ? 'ascending' : 'descending') : 'none';
              return (
                <th key={name} scope="col" aria-sort={sort} class={type}>
                  <button type="button" onClick={() => sortBy(i)}>
                    {name}{' '}
                    {sort !== 'none' && <span aria-hidden="true">{sort === 'ascending' ? '↑' : '↓'}</span>}
                  </button>
                </th>
              );
            })}
            {bars !== undefined && (
              <th class="bar-cell">
                <span class="sr">{t('table.bars')}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, all.value ? undefined : rowsShown).map((row, i) => (
            <tr key={i}>
              {row.map((value, column) => (
                <td key={table.columns[column]?.name} class={table.columns[column]?.type}>
                  {cellText(value, table.columns[column]?.type)}
                </td>
              ))}
              {bars !== undefined && <BarCell row={row} bars={bars} table={table} />}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > rowsShown && !all.value && (
        <button
          type="button"
          onClick={() => {
            all.value = true;
          }}
        >
          {t('table.all', { count: rows.length })}
        </button>
      )}
    </div>
  );
}

/** Parts have the colours of the levels they are about, or one after the other. */
function BarCell({ row, bars, table }: { row: Table['rows'][number]; bars: Bars; table: Table }) {
  return (
    <td class="bar-cell" aria-hidden="true">
      <span>
        {bars.columns.map((column, i) => {
          const name = table.columns[column]?.name ?? '';
          const tone = toneOfLevel(name);
          return (
            <i
              key={name}
              class={tone === 'none' && bars.columns.length > 1 ? `series-${i % 6}` : tone}
              style={{ width: `${(100 * Math.max(0, Number(row[column] ?? 0))) / bars.max}%` }}
            />
          );
        })}
      </span>
    </td>
  );
}

function cellText(value: string | number | null, type: string | undefined): string {
  if (value === null) return '–';
  if (typeof value === 'number') return numberText(value, manner.value);
  return type === 'time' ? fullTime(value, manner.value) : value;
}
