import { exactJson } from '@millrace/core/document/json-text.ts';
import { useSignal } from '@preact/signals';
import type { Hit } from '../api/types.ts';
import { openContext, shareEvent } from '../shell/actions.ts';
import { CopyButton } from '../shell/copy.tsx';
import { t } from '../words/words.ts';
import { FieldTable } from './field-table.tsx';
import { Json, Message } from './message.tsx';

/** Everything about an event. */
export function Details({ hit }: { hit: Hit }) {
  const shows = useSignal<'fields' | 'json'>('fields');
  return (
    <div class="details">
      <Message hit={hit} />
      <div class="details-bar">
        <div class="segments" role="group" aria-label={t('details.view')}>
          {(['fields', 'json'] as const).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={shows.value === name}
              onClick={() => (shows.value = name)}
            >
              {t(`details.${name}`)}
            </button>
          ))}
        </div>
        <button type="button" onClick={() => openContext(hit)}>
          {t('context.open')} <kbd aria-hidden="true">c</kbd>
        </button>
        <button type="button" onClick={() => shareEvent(hit)}>
          {t('details.link')}
        </button>
        <CopyButton text={() => exactJson(hit, 2)} label={t('details.copyJson')} />
      </div>
      {shows.value === 'fields' ? (
        <FieldTable hit={hit} />
      ) : (
        <pre class="json" tabIndex={0} role="region" aria-label="JSON">
          <Json value={hit} length={undefined} />
        </pre>
      )}
    </div>
  );
}
