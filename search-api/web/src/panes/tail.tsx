import { useEffect } from 'preact/hooks';
import { useFront } from '../list/front.ts';
import { List } from '../list/list.tsx';
import { moveTo } from '../list/model.ts';
import { columns, toggleColumn } from '../shell/actions.ts';
import { Icon } from '../shell/icons.tsx';
import {
  following,
  heldCount,
  paused,
  skipped,
  startTail,
  stopTail,
  tail,
  tailCount,
  tailProblem,
  tailState,
  togglePaused,
} from '../state/tail.ts';
import { view } from '../state/view.ts';
import { countText, spanText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';

/** What arrives, as it arrives: the newest at the end, as in a terminal. Nothing moves under who reads further up. */
export function TailPane() {
  const { q, stream } = view.value;
  useFront(tail);
  useEffect(() => {
    startTail();
    return stopTail;
  }, [q, stream]);
  const state = tailState.value;
  const count = (value: number) => countText(value, manner.value);
  const live = state?.phase === 'live';
  return (
    <div class="tail">
      <div class="tail-bar">
        <button type="button" class="primary" onClick={togglePaused} aria-pressed={paused.value}>
          <Icon name={paused.value ? 'play' : 'pause'} />
          {paused.value ? t('tail.resume', { count: count(heldCount.value) }) : t('tail.pause')}{' '}
          <kbd aria-hidden="true">␣</kbd>
        </button>
        <p role="status">
          <i class={`dot${live && !paused.value ? ' on' : ''}`} aria-hidden="true" />
          {paused.value ? t('tail.paused') : live ? t('tail.live') : t('tail.joining')}
        </p>
        {state?.lag_ms != null && (
          <p class="muted">{t('tail.lag', { lag: spanText(Math.max(1, state.lag_ms), manner.value) })}</p>
        )}
        <p class="muted">{t('tail.count', { count: count(tailCount.value) })}</p>
        {skipped.value > 0 && (
          <p class="tail-skipped" role="status">
            <Icon name="warn" /> {t('tail.skipped', { count: count(skipped.value) })}
          </p>
        )}
        {!following.value && (
          <button type="button" onClick={() => moveTo(tail, tailCount.peek() - 1)}>
            {t('tail.newest')} ↓
          </button>
        )}
      </div>
      {(tailProblem.value !== undefined || state?.store === 'down') && (
        <div class="notice warn" role="alert">
          <Icon name="warn" />
          <p>{tailProblem.value ?? t('tail.storeDown')}</p>
        </div>
      )}
      <div class="results">
        <List
          model={tail}
          name="live"
          label={t('tail.title')}
          columns={columns.value}
          generation={0}
          withDay={false}
          follow={{
            on: following.value,
            changed: (on) => {
              following.value = on;
            },
          }}
          onRemoveColumn={toggleColumn}
          footer={tailCount.value === 0 && live && <p class="foot muted">{t('tail.waiting')}</p>}
        />
      </div>
    </div>
  );
}
