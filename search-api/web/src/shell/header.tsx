import { QueryBox } from '../query/box.tsx';
import { may } from '../state/me.ts';
import { busy, stopSearch } from '../state/search.ts';
import { ask, view } from '../state/view.ts';
import { TimePicker } from '../time/picker.tsx';
import { t } from '../words/words.ts';
import { toggleTail } from './actions.ts';
import { Menu } from './menu.tsx';

/** The bar above: what is asked, of which time, and whether new events are followed. */
export function Header() {
  const { live } = view.value;
  return (
    <header class={`top${busy.value ? ' busy' : ''}`}>
      <a class="brand" href="." aria-label={t('brand')}>
        <img src="./icon.svg" alt="" width="26" height="26" />
        <span>Millrace</span>
      </a>
      <div class="ask" role="search">
        <QueryBox />
        {busy.value ? (
          <button type="button" class="primary run" onClick={stopSearch}>
            {t('stop')}
          </button>
        ) : (
          <button type="button" class="primary run" onClick={ask} title={`${t('search')} (r)`}>
            {t('search')}
          </button>
        )}
      </div>
      <div class="tools">
        <TimePicker />
        {may('tail') && (
          <button
            type="button"
            class="live"
            aria-pressed={live}
            onClick={toggleTail}
            title={`${t('tail.title')} (t)`}
          >
            <i class="dot" aria-hidden="true" />
            {t('tail')}
          </button>
        )}
        <Menu />
      </div>
    </header>
  );
}
