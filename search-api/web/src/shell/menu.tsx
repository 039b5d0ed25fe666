import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { loginAddress, logout, may, me, needsLogin } from '../state/me.ts';
import { type Language, language, languages, setLanguage, t } from '../words/words.ts';
import { shareView } from './actions.ts';
import { Icon } from './icons.tsx';
import { openPanel } from './panels.ts';
import { chosenTheme, setTheme, themes } from './theme.ts';
import { menuKeys } from './value-menu.tsx';

const names: Record<Language, string> = { en: 'English', ko: '한국어' };

/** Everything that is not needed at every search. */
export function Menu() {
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open.value) return undefined;
    box.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) open.value = false;
    };
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
  }, [open.value]);
  const close = () => {
    open.value = false;
    button.current?.focus();
  };
  const item = (text: string, run: () => void, key?: string) => (
    <button
      type="button"
      role="menuitem"
      onClick={() => {
        close();
        run();
      }}
    >
      {text} {key && <kbd aria-hidden="true">{key}</kbd>}
    </button>
  );
  const who = me.value;
  return (
    <div class="menu-box" ref={box}>
      <button
        type="button"
        class="icon-button"
        onClick={() => void shareView()}
        aria-label={t('share')}
        title={`${t('share')} (y)`}
      >
        <Icon name="link" />
      </button>
      <button
        ref={button}
        type="button"
        class="icon-button"
        aria-haspopup="menu"
        aria-expanded={open.value}
        aria-label={t('menu')}
        title={t('menu')}
        onClick={() => (open.value = !open.value)}
      >
        <Icon name="more" />
      </button>
      {open.value && (
        <div
          class="menu main-menu"
          role="menu"
          tabIndex={-1}
          aria-label={t('menu')}
          onKeyDown={(event) => menuKeys(event, close)}
        >
          {item(t('saved.title'), () => openPanel('saved'), 's')}
          {may('export') && item(t('export.title'), () => openPanel('export'), 'x')}
          {item(t('help.title'), () => openPanel('help'), '?')}
          <Choice
            label={t('theme')}
            options={themes.map((name) => [name, t(`theme.${name}`)])}
            chosen={chosenTheme.value}
            choose={setTheme}
          />
          <Choice
            label={t('language')}
            options={(Object.keys(languages) as Language[]).map((name) => [name, names[name]])}
            chosen={language.value}
            choose={setLanguage}
          />
          {needsLogin() && (
            <a role="menuitem" href={loginAddress()}>
              {t('login')}
            </a>
          )}
          {who?.logout != null && (
            <>
              <div class="menu-title">
                <span>{t('login.as')}</span> <b>{who.subject?.replace(/^\w+:/, '')}</b>
              </div>
              {item(t('logout'), () => void logout())}
            </>
          )}
        </div>
      )}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  options: readonly (readonly [T, string])[];
  chosen: T;
  choose(value: T): void;
}

function Choice<T extends string>({ label, options, chosen, choose }: ChoiceProps<T>) {
  return (
    <div class="menu-choice" role="group" aria-label={label}>
      <span>{label}</span>
      <div class="segments">
        {options.map(([value, text]) => (
          <button
            key={value}
            type="button"
            role="menuitemradio"
            aria-checked={chosen === value}
            onClick={() => choose(value)}
          >
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}
