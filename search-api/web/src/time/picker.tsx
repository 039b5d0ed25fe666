import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../shell/icons.tsx';
import { go, view } from '../state/view.ts';
import { manner, setZone, t, zone } from '../words/words.ts';
import { fullTime, inputTime, spanOfTimes, spanText } from './format.ts';
import { boundsOf, quickName, quickRanges, readTime, shifted, widened } from './ranges.ts';

/** Opens and closes the choice of time; its component says how. */
export const pickerOpen: { toggle(): void } = { toggle: () => {} };

/** The range of time: one click for the usual ones, typed for all others; steps to both sides. */
export function TimePicker() {
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  pickerOpen.toggle = () => {
    open.value = !open.value;
  };
  useEffect(() => {
    if (!open.value) return undefined;
    box.current?.querySelector<HTMLElement>('input')?.focus();
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) open.value = false;
    };
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
  }, [open.value]);
  const { from } = view.value;
  const bounded = from !== '*';
  const close = () => {
    open.value = false;
    button.current?.focus();
  };
  return (
    <div
      class="time"
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open.value) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        type="button"
        class="icon-button step"
        disabled={!bounded}
        aria-label={t('time.back')}
        title={`${t('time.back')} ([)`}
        onClick={() => step(-1)}
      >
        <Icon name="left" />
      </button>
      <button
        ref={button}
        type="button"
        class="time-button"
        aria-haspopup="dialog"
        aria-expanded={open.value}
        onClick={pickerOpen.toggle}
      >
        <Icon name="clock" />
        <span>{rangeName(view.value)}</span>
        <Icon name="down" />
      </button>
      <button
        type="button"
        class="icon-button step"
        disabled={!bounded}
        aria-label={t('time.forward')}
        title={`${t('time.forward')} (])`}
        onClick={() => step(1)}
      >
        <Icon name="right" />
      </button>
      <button
        type="button"
        class="icon-button step"
        disabled={!bounded}
        aria-label={t('time.out')}
        title={`${t('time.out')} (z)`}
        onClick={zoomOut}
      >
        <Icon name="out" />
      </button>
      {open.value && <Panel close={close} />}
    </div>
  );
}

export function step(direction: -1 | 1): void {
  go(shifted(view.peek(), direction, Date.now()));
}

export function zoomOut(): void {
  go(widened(view.peek(), Date.now()));
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function rangeName(range: { from: string; to: string }): string {
  const quick = quickName(range);
  if (quick !== undefined) return t(`range.${quick}`);
  const ago = /^now-(\d+)([smhd])$/.exec(range.from);
  if (ago !== null && (range.to === '*' || range.to === 'now'))
    return t('range.last', {
      span: spanText(Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs], manner.value),
    });
  const open = range.to === '*' ? t('time.now') : undefined;
  const bounds = boundsOf(range, Date.now());
  if (bounds.fromMs !== undefined && /^\d/.test(range.from) && /^\d/.test(range.to))
    return spanOfTimes(bounds.fromMs, bounds.toMs, manner.value);
  const say = (text: string) =>
    /^\d/.test(text) ? fullTime(boundsOf({ from: text, to: text }, Date.now()).toMs, manner.value) : text;
  return `${range.from === '*' ? '…' : say(range.from)} – ${open ?? say(range.to)}`;
}

function Panel({ close }: { close: () => void }) {
  const from = useSignal(view.value.from);
  const to = useSignal(view.value.to);
  const apply = (event: Event) => {
    event.preventDefault();
    const range = { from: from.value.trim() || '*', to: to.value.trim() || '*' };
    for (const text of Object.values(range))
      if (text !== '*' && 'problem' in readTime(text, Date.now(), false)) return;
    go(range);
    close();
  };
  return (
    <div class="popover time-panel" role="dialog" aria-label={t('time.title')}>
      <form onSubmit={apply}>
        <Bound label={t('time.from')} value={from.value} end={false} set={(value) => (from.value = value)} />
        <Bound label={t('time.to')} value={to.value} end set={(value) => (to.value = value)} />
        <button type="submit" class="primary">
          {t('time.apply')}
        </button>
        <div class="segments" role="group" aria-label={t('time.zone')}>
          {(['local', 'utc'] as const).map((name) => (
            <button key={name} type="button" aria-pressed={zone.value === name} onClick={() => setZone(name)}>
              {t(`time.${name}`)}
            </button>
          ))}
        </div>
      </form>
      <ul class="quick">
        {quickRanges.map(([name, start]) => (
          <li key={name}>
            <button
              type="button"
              aria-pressed={quickName(view.value) === name}
              onClick={() => {
                go({ from: start, to: '*' });
                close();
              }}
            >
              {t(`range.${name}`)}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface BoundProps {
  label: string;
  value: string;
  end: boolean;
  set(value: string): void;
}

/** Typed, or picked from the browser's calendar; what it means stands below. */
function Bound({ label, value, end, set }: BoundProps) {
  const read = value === '' || value === '*' ? undefined : readTime(value, Date.now(), end);
  const ms = read !== undefined && 'ms' in read ? read.ms : undefined;
  const wrong = read !== undefined && 'problem' in read;
  const id = end ? 'time-to' : 'time-from';
  return (
    <div class="bound">
      <label for={id}>{label}</label>
      <div class="bound-inputs">
        <input
          id={id}
          value={value}
          aria-invalid={wrong}
          aria-describedby={`${id}-means`}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => set(event.currentTarget.value)}
        />
        <input
          type="datetime-local"
          step="1"
          aria-label={t('time.calendar', { name: label })}
          value={ms === undefined ? '' : inputTime(ms)}
          onInput={(event) => {
            const picked = new Date(event.currentTarget.value);
            if (!Number.isNaN(picked.getTime())) set(picked.toISOString());
          }}
        />
      </div>
      <p id={`${id}-means`} class={wrong ? 'bad' : 'muted'}>
        {read !== undefined && 'problem' in read
          ? `${read.problem}${read.hint ? `: ${read.hint}` : ''}`
          : ms === undefined
            ? t(end ? 'time.now' : 'time.open')
            : fullTime(ms, manner.value)}
      </p>
    </div>
  );
}
