import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, isAbsent } from '../api/client.ts';
import type { FieldStats } from '../api/types.ts';
import { existsClause } from '../query/edit.ts';
import { addClause, filterBy } from '../shell/actions.ts';
import { Dialog } from '../shell/dialog.tsx';
import { fetchStats } from '../state/facets.ts';
import { countText, numberText, percentText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { ValueBars } from './bars.tsx';

const shownField = signal<string | undefined>(undefined);

export function openStats(field: string): void {
  shownField.value = field;
}

/** What is in a field, of all events that match: how often, how many, which, and how they lie. */
export function StatsDialog() {
  const field = shownField.value;
  if (field === undefined) return null;
  const close = () => {
    shownField.value = undefined;
  };
  return (
    <Dialog title={field} close={close}>
      <Stats field={field} close={close} />
    </Dialog>
  );
}

function Stats({ field, close }: { field: string; close: () => void }) {
  const stats = useSignal<FieldStats | undefined>(undefined);
  const failed = useSignal('');
  useEffect(() => {
    const asking = new AbortController();
    fetchStats(field, asking.signal).then(
      (answer) => {
        stats.value = answer;
      },
      (error: unknown) => {
        if (asking.signal.aborted || !(error instanceof ApiError)) return;
        failed.value = isAbsent(error) ? t('stats.absent') : error.message;
      },
    );
    return () => asking.abort();
  }, [field]);
  if (failed.value !== '') return <p class="empty">{failed.value}</p>;
  const shown = stats.value;
  if (shown === undefined) return <p class="empty">{t('loading')}</p>;
  const all = shown.count + shown.missing;
  const facts: [string, string][] = [
    [
      t('stats.have'),
      `${countText(shown.count, manner.value)} (${percentText(all === 0 ? 0 : shown.count / all, manner.value)})`,
    ],
    [t('stats.distinct'), countText(shown.distinct, manner.value)],
  ];
  for (const name of ['min', 'max', 'avg', 'p50', 'p95'] as const) {
    const value = shown[name];
    if (value === undefined || value === null) continue;
    facts.push([
      t(`stats.${name}`),
      typeof value === 'number' ? numberText(value, manner.value) : String(value),
    ]);
  }
  return (
    <>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <ValueBars
        values={shown.values ?? []}
        total={Math.max(1, shown.count)}
        onFilter={(value, negate) => {
          filterBy(field, value, negate);
          close();
        }}
      />
      <p class="dialog-foot">
        <button
          type="button"
          onClick={() => {
            addClause(existsClause(field));
            close();
          }}
        >
          {t('filter.exists')}
        </button>
        {(typeof shown.sampled === 'number' || shown.sampled === true) && (
          <span class="muted">{t('stats.sampled')}</span>
        )}
      </p>
    </>
  );
}
