import { useEffect, useRef } from 'preact/hooks';
import { Sidebar } from '../fields/sidebar.tsx';
import { useFront } from '../list/front.ts';
import { List } from '../list/list.tsx';
import { createModel, moveTo, resetModel, toggleOpen } from '../list/model.ts';
import { columns, toggleColumn } from '../shell/actions.ts';
import {
  busy,
  complete,
  firstRowsMs,
  full,
  generation,
  loadMore,
  problem,
  rowCount,
  rows,
  stale,
  table,
} from '../state/search.ts';
import { go, view } from '../state/view.ts';
import { countText } from '../time/format.ts';
import { rangeName } from '../time/picker.tsx';
import { boundsOf } from '../time/ranges.ts';
import { manner, t } from '../words/words.ts';
import { TableView } from './table.tsx';

export const events = createModel(() => rows.hits, rowCount);

/** Found events, with the fields beside them. */
export function EventsPane({ sidebar, closeSidebar }: { sidebar: boolean; closeSidebar: () => void }) {
  useOpenedByLink();
  useFront(events);
  const { fromMs, toMs } = boundsOf(view.value, Date.now());
  const withDay = fromMs === undefined || new Date(fromMs).toDateString() !== new Date(toMs).toDateString();
  const empty =
    rowCount.value === 0 && firstRowsMs.value !== undefined && !busy.value && problem.value === undefined;
  return (
    <div class={`events${sidebar ? ' with-sidebar' : ''}`}>
      {sidebar && <Sidebar close={closeSidebar} />}
      <div class={`results${stale.value ? ' stale' : ''}`}>
        {table.value !== undefined ? (
          <TableView table={table.value} />
        ) : empty ? (
          <Empty />
        ) : (
          <List
            model={events}
            name="event"
            label={t('events.list')}
            columns={columns.value}
            generation={generation.value}
            withDay={withDay}
            onNearEnd={loadMore}
            onRemoveColumn={toggleColumn}
            footer={<Foot />}
          />
        )}
      </div>
    </div>
  );
}

function Foot() {
  const count = countText(rowCount.value, manner.value);
  if (rowCount.value === 0) return null;
  return (
    <p class="foot muted">
      {busy.value
        ? t('foot.loading', { count })
        : full.value
          ? t('foot.max', { count })
          : complete.value
            ? t('foot.all', { count })
            : t('foot.more', { count })}
    </p>
  );
}

/** Nothing was found: what to try. */
function Empty() {
  const { from, q, source } = view.value;
  const wider: [string, string] | undefined =
    from === 'now-15m' ? ['24h', 'now-24h'] : from === '*' ? undefined : ['7d', 'now-7d'];
  return (
    <div class="empty">
      <h2>{t('empty.title', { range: rangeName(view.value) })}</h2>
      <p class="muted">{t('empty.hint')}</p>
      <p>
        {wider !== undefined && from !== wider[1] && (
          <button type="button" class="primary" onClick={() => go({ from: wider[1], to: '*' })}>
            {t('empty.wider', { range: t(`range.${wider[0] as '24h' | '7d'}`) })}
          </button>
        )}
        <button type="button" onClick={() => go({ from: '*', to: '*' })}>
          {t('empty.all')}
        </button>
        {q !== '' && (
          <button type="button" onClick={() => go({ q: '' })}>
            {t('empty.noQuery')}
          </button>
        )}
        {source === 'hot' && (
          <button type="button" onClick={() => go({ source: 'auto' })}>
            {t('empty.archive')}
          </button>
        )}
      </p>
    </div>
  );
}

/** Another answer begins with nothing open, but for the event that a link points at. */
function useOpenedByLink(): void {
  const opened = useRef('');
  const answered = useRef(-1);
  const count = rowCount.value;
  // One effect for both, by what holds now: those of an earlier draw may run when the rows are there already, and what
  // one of them opened a reset of a later draw would close for good.
  useEffect(() => {
    const current = generation.peek();
    if (answered.current !== current) resetModel(events);
    answered.current = current;
    const { open } = view.peek();
    if (open === '' || opened.current === `${open} ${current}`) return;
    const index = rows.hits.findIndex(({ id }) => id === open);
    if (index < 0) return;
    opened.current = `${open} ${current}`;
    toggleOpen(events, index);
    moveTo(events, index, false, true);
  }, [count, generation.value]);
}
