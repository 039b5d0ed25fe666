import { useSignal } from '@preact/signals';
import type { Patterns } from '../api/types.ts';
import { currentWhat } from '../state/facets.ts';
import { generation } from '../state/search.ts';
import { countText, percentText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { Answered, useAnswer } from './answer.tsx';
import { PatternItem } from './pattern.tsx';

/** What messages have in common: ten thousand lines about closed connections are one line here. */
export function PatternsPane() {
  const order = useSignal<'rare' | 'common'>('rare');
  const what = { ...currentWhat(), order: order.value, size: '100' };
  const answer = useAnswer<Patterns>('api/v1/patterns', what, generation.value);
  return (
    <div class="pane">
      <div class="pane-bar">
        <div class="segments" role="group" aria-label={t('patterns.order')}>
          {(['rare', 'common'] as const).map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={order.value === name}
              onClick={() => {
                order.value = name;
              }}
            >
              {t(`patterns.${name}`)}
            </button>
          ))}
        </div>
        {answer.value.value !== undefined && (
          <p class="muted" role="status">
            {t('patterns.count', { count: countText(answer.value.value.patterns_total, manner.value) })}
            {answer.value.value.sampled < answer.value.value.total &&
              ` · ${t('patterns.sampled', { count: countText(answer.value.value.sampled, manner.value) })}`}
          </p>
        )}
      </div>
      <Answered answer={answer}>
        {({ patterns }) =>
          patterns.length === 0 ? (
            <p class="empty">{t('patterns.none')}</p>
          ) : (
            <ul class="patterns">
              {patterns.map((pattern) => (
                <PatternItem key={pattern.template} pattern={pattern}>
                  <b>{countText(pattern.count, manner.value)}</b>
                  <span class="muted">{percentText(pattern.share, manner.value)}</span>
                  <i class="share-bar" aria-hidden="true">
                    <i style={{ width: `${Math.max(2, 100 * pattern.share)}%` }} />
                  </i>
                </PatternItem>
              ))}
            </ul>
          )
        }
      </Answered>
    </div>
  );
}
