import { type Tab, tabs } from '../state/address.ts';
import { histogram, histogramStale, total } from '../state/histogram.ts';
import { may } from '../state/me.ts';
import { firstRowsMs, partial, stale, tookMs } from '../state/search.ts';
import { status } from '../state/status.ts';
import { go, view } from '../state/view.ts';
import { countText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { Icon } from './icons.tsx';
import { Incomplete } from './incomplete.tsx';

/** What kind of answer is shown, how much was found, and where it was looked for. */
export function Bar({ sidebar, toggleSidebar }: { sidebar: boolean; toggleSidebar: () => void }) {
  const { tab, sort, live } = view.value;
  return (
    <nav class="bar" aria-label={t('views')}>
      <div class="tabs">
        {tabs
          .filter((name) => name !== 'alerts' || may('alerts'))
          .map((name) => (
            <button
              key={name}
              type="button"
              aria-current={tab === name ? 'page' : undefined}
              onClick={() => choose(name)}
            >
              {t(`tab.${name}`)}
            </button>
          ))}
      </div>
      <Incomplete />
      {!live && <Counted />}
      {tab === 'events' && (
        <div class="bar-tools">
          {!live && may('archive') && <SourceChoice />}
          <StreamChoice />
          {!live && (
            <button
              type="button"
              class="quiet"
              onClick={() => go({ sort: sort === 'desc' ? 'asc' : 'desc' })}
            >
              {t(sort === 'desc' ? 'sort.desc' : 'sort.asc')}
            </button>
          )}
          {!live && (
            <button type="button" class="quiet" aria-pressed={sidebar} onClick={toggleSidebar}>
              <Icon name="fields" /> {t('fields')}
            </button>
          )}
        </div>
      )}
    </nav>
  );
}

function choose(tab: Tab): void {
  go({ tab });
}

function Counted() {
  const counted = total.value;
  const took = tookMs.value ?? histogram.value?.took_ms;
  const text =
    counted === undefined
      ? ''
      : t('bar.counted', {
          count: `${counted.relation === 'gte' ? '> ' : ''}${countText(counted.value, manner.value)}`,
        });
  return (
    <p class={histogramStale.value || stale.value ? 'counted stale' : 'counted'}>
      <span role="status">
        {text}
        {partial.value.length > 0 && text !== '' && ` ${t('bar.partial')}`}
      </span>
      {took !== undefined && text !== '' && (
        <span
          class="muted"
          title={firstRowsMs.value === undefined ? '' : t('bar.first', { ms: firstRowsMs.value })}
        >
          {' '}
          · {took} ms
        </span>
      )}
    </p>
  );
}

/** Where to look: what is indexed, the archive, or wherever it takes. */
function SourceChoice() {
  const { source } = view.value;
  return (
    <label class={`select source-${source}`} title={t('source.title')}>
      <Icon name="archive" />
      <span class="sr">{t('source.title')}</span>
      <select value={source} onChange={(event) => go({ source: event.currentTarget.value as typeof source })}>
        {(['auto', 'hot', 'archive'] as const).map((name) => (
          <option key={name} value={name}>
            {t(`source.${name}`)}
          </option>
        ))}
      </select>
    </label>
  );
}

function StreamChoice() {
  const { stream } = view.value;
  const known = (status.value?.streams ?? [])
    .filter((item) => item.newest_event !== null)
    .map((item) => item.stream);
  const names = stream === '' || known.includes(stream) ? known : [...known, stream];
  if (names.length < 2 && stream === '') return null;
  return (
    <label class="select">
      <span class="sr">{t('stream')}</span>
      <select value={stream} onChange={(event) => go({ stream: event.currentTarget.value })}>
        <option value="">{t('stream.all')}</option>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
