import { useSignal } from '@preact/signals';
import { ApiError, address, isAbsent, probe } from '../api/client.ts';
import { columns } from '../shell/actions.ts';
import { Dialog } from '../shell/dialog.tsx';
import { closePanel } from '../shell/panels.ts';
import { currentWhat } from '../state/facets.ts';
import { total } from '../state/histogram.ts';
import { view } from '../state/view.ts';
import { countText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { Problem } from './kept.tsx';

const formats = ['csv', 'ndjson', 'raw'] as const;

/** Everything that was found, as a file: the server streams it, the browser saves it. */
export function ExportDialog() {
  const format = useSignal<(typeof formats)[number]>('csv');
  const gzip = useSignal(true);
  const chosen = useSignal(false);
  const unordered = useSignal(false);
  const limit = useSignal('');
  const problem = useSignal('');
  const count = total.value?.value;
  const parameters = (): Record<string, string> => {
    const { source, sort } = view.peek();
    return {
      ...currentWhat(),
      format: format.value,
      sort: unordered.value ? 'none' : sort,
      source,
      gzip: String(gzip.value),
      ...(chosen.value && format.value !== 'raw'
        ? { fields: ['@timestamp', 'level', ...columns.peek(), 'message'].join(',') }
        : {}),
      ...(limit.value === '' ? {} : { limit: limit.value }),
    };
  };
  const download = async (event: Event) => {
    event.preventDefault();
    // A download cannot say why it fails.
    try {
      await probe('api/v1/export', parameters());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = isAbsent(error) ? t('absent') : `${error.message} ${error.hint ?? ''}`;
      return;
    }
    const link = document.createElement('a');
    link.href = address('api/v1/export', parameters());
    link.download = '';
    link.click();
    closePanel();
  };
  return (
    <Dialog title={t('export.title')} close={closePanel}>
      <form class="export" onSubmit={(event) => void download(event)}>
        <fieldset>
          <legend>{t('export.format')}</legend>
          {formats.map((name) => (
            <label key={name}>
              <input
                type="radio"
                name="format"
                checked={format.value === name}
                onChange={() => {
                  format.value = name;
                }}
              />
              <b>{name.toUpperCase()}</b> <span class="muted">{t(`export.${name}`)}</span>
            </label>
          ))}
        </fieldset>
        <label>
          <input
            type="checkbox"
            checked={chosen.value}
            disabled={format.value === 'raw'}
            onChange={() => {
              chosen.value = !chosen.value;
            }}
          />
          {t('export.columns')}
        </label>
        <label>
          <input
            type="checkbox"
            checked={gzip.value}
            onChange={() => {
              gzip.value = !gzip.value;
            }}
          />
          {t('export.gzip')}
        </label>
        <label>
          <input
            type="checkbox"
            checked={unordered.value}
            onChange={() => {
              unordered.value = !unordered.value;
            }}
          />
          {t('export.unordered')}
        </label>
        <label class="export-limit">
          {t('export.limit')}
          <input
            type="number"
            min="1"
            placeholder={t('export.noLimit')}
            value={limit.value}
            onInput={(event) => {
              limit.value = event.currentTarget.value;
            }}
          />
        </label>
        <Problem text={problem.value} />
        <p class="dialog-foot">
          <span class="muted">
            {count !== undefined && t('events', { count: countText(count, manner.value) })}
          </span>
          <button type="submit" class="primary">
            {t('export.download')}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
