import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { histogram } from '../state/histogram.ts';
import { shortcomings } from '../state/status.ts';
import { t } from '../words/words.ts';
import { Icon } from './icons.tsx';

/** A sign beside the count where the answer may lack something, without pushing anything aside; a click says what. */
export function Incomplete() {
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open.value) return undefined;
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) open.value = false;
    };
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
  }, [open.value]);
  // What was not counted belongs here too: above the rows it would push them aside.
  const uncounted = (histogram.value?.partial ?? []).map(({ message }) => message);
  const said = [...shortcomings.value, ...uncounted];
  if (said.length === 0) return null;
  return (
    <div
      class="incomplete"
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open.value) return;
        event.stopPropagation();
        open.value = false;
      }}
    >
      <button
        type="button"
        class="quiet"
        aria-expanded={open.value}
        aria-controls="shortcomings"
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Icon name="warn" /> {t('status.incomplete')}
      </button>
      <ul id="shortcomings" class="popover" hidden={!open.value}>
        {said.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </div>
  );
}
