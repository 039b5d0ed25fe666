import { loginAddress, me } from '../state/me.ts';
import { partial, problem, progress } from '../state/search.ts';
import { ask, go, view } from '../state/view.ts';
import { bytesText, countText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { Icon } from './icons.tsx';

/** What is wrong with what is shown, and what can be done about it. */
export function Notices() {
  const error = problem.value;
  return (
    <div class="notices">
      {error !== undefined && (
        <div class="notice bad" role="alert">
          <Icon name="warn" />
          <p>
            <b>{error.code === 'OFFLINE' ? t('problem.offline') : error.message}</b>{' '}
            {error.code === 'OFFLINE' ? t('problem.offlineHint') : error.hint}
            {error.code === 'STORE_UNAVAILABLE' && ` ${t('problem.storeDown')}`}
          </p>
          {error.code === 'STORE_UNAVAILABLE' && view.value.source !== 'archive' && (
            <button type="button" onClick={() => go({ source: 'archive' })}>
              {t('problem.useArchive')}
            </button>
          )}
          {error.status === 401 && me.value?.login != null && (
            <a class="button" href={loginAddress()}>
              {t('login')}
            </a>
          )}
          {error.status !== 400 && error.status !== 401 && (
            <button type="button" onClick={ask}>
              {t('problem.again')}
            </button>
          )}
        </div>
      )}
      {partial.value.length > 0 && (
        <div class="notice warn" role="status">
          <Icon name="warn" />
          <p>
            <b>{t('partial')}</b> {partial.value.map(({ message }) => message).join(' · ')}
          </p>
        </div>
      )}
      <ArchiveProgress />
    </div>
  );
}

function ArchiveProgress() {
  const shown = progress.value;
  if (shown === undefined || shown.objects_total === 0) return null;
  const done = shown.bytes_total === 0 ? 0 : shown.bytes / shown.bytes_total;
  const text = t('archive.progress', {
    objects: countText(shown.objects, manner.value),
    of: countText(shown.objects_total, manner.value),
    bytes: bytesText(shown.bytes, manner.value),
    total: bytesText(shown.bytes_total, manner.value),
  });
  return (
    <div class="notice" role="status">
      <Icon name="archive" />
      <p>{text}</p>
      <progress value={done} max={1} aria-label={text} />
    </div>
  );
}
