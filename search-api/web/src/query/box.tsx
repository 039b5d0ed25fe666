import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../shell/icons.tsx';
import { go, view } from '../state/view.ts';
import { t } from '../words/words.ts';
import { tokensOf } from './tokens.ts';
import { chosen, closeOffer, focused, mistake, offer, suggest, take, text, typed } from './typing.ts';

/** The query: coloured as it is typed, completed, its mistakes marked where they are. */
export function QueryBox() {
  const input = useRef<HTMLTextAreaElement>(null);
  // Another query from elsewhere: a click on a value, the back button.
  useSignalEffect(() => {
    text.value = view.value.q;
  });
  useEffect(() => fit(input.current), [text.value]);
  const isOpen = offer.value.choices.length > 0;
  const shownMistake = mistake.value;
  return (
    <div class={`query${shownMistake && !isOpen ? ' wrong' : ''}`}>
      <Icon name="search" />
      <div class="query-text">
        <Coloured text={text.value} from={shownMistake?.start} to={shownMistake?.end} />
        <textarea
          ref={input}
          id="q"
          rows={1}
          aria-label={t('query.label')}
          aria-controls="query-choices"
          aria-autocomplete="list"
          aria-activedescendant={chosen.value >= 0 ? `choice-${chosen.value}` : undefined}
          aria-invalid={shownMistake !== undefined}
          aria-describedby="query-mistake"
          placeholder={t('query.placeholder')}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          enterkeyhint="search"
          maxLength={8192}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value.replaceAll('\n', ' ');
            void suggest(event.currentTarget);
          }}
          onClick={(event) => void suggest(event.currentTarget)}
          onFocus={() => (focused.value = true)}
          onBlur={() => {
            focused.value = false;
            closeOffer();
          }}
          onKeyDown={typed}
        />
      </div>
      {!focused.value && text.value === '' && <kbd aria-hidden="true">/</kbd>}
      {text.value !== '' && (
        <button
          type="button"
          class="clear"
          aria-label={t('query.clear')}
          title={t('query.clear')}
          onClick={() => {
            text.value = '';
            go({ q: '' });
            input.current?.focus();
          }}
        >
          <Icon name="close" />
        </button>
      )}
      <p id="query-mistake" class="mistake" hidden={shownMistake === undefined || isOpen} aria-live="polite">
        {shownMistake && (
          <>
            <b>{shownMistake.message}</b> {shownMistake.hint}
          </>
        )}
      </p>
      <Choices input={input.current} />
    </div>
  );
}

function Choices({ input }: { input: HTMLTextAreaElement | null }) {
  const { choices } = offer.value;
  return (
    <ul
      id="query-choices"
      class="choices"
      role="listbox"
      aria-label={t('query.choices')}
      hidden={choices.length === 0}
    >
      {choices.map((choice, i) => (
        <li
          key={choice.text}
          id={`choice-${i}`}
          role="option"
          aria-selected={i === chosen.value}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(input, choice)}
        >
          <span>{choice.label}</span>
          <i>{choice.whole ? t('query.earlier') : choice.note}</i>
        </li>
      ))}
    </ul>
  );
}

/** The same text below the one that is typed, in colours; what is wrong is underlined. */
function Coloured({ text, from, to }: { text: string; from: number | undefined; to: number | undefined }) {
  const pieces = tokensOf(text).flatMap(({ kind, start, end }) => {
    const cuts = [start, from ?? start, to ?? end, end].map((at) => Math.min(Math.max(at, start), end));
    return cuts.slice(1).flatMap((cut, i) => {
      const begin = cuts[i] ?? start;
      if (cut <= begin) return [];
      const wrong = from !== undefined && to !== undefined && begin >= from && cut <= to;
      return [
        <span key={begin} class={`token-${kind}${wrong ? ' wrong' : ''}`}>
          {text.slice(begin, cut)}
        </span>,
      ];
    });
  });
  const atEnd = from !== undefined && from >= text.length && text !== '';
  return (
    <div class="coloured" aria-hidden="true">
      {pieces}
      {atEnd && <span class="wrong"> </span>}
    </div>
  );
}

/** As many lines as the query has, within what the style allows. */
function fit(element: HTMLTextAreaElement | null): void {
  if (element === null) return;
  element.style.height = 'auto';
  element.style.height = `${element.scrollHeight}px`;
}
