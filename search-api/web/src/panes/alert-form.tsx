import { type Signal, useSignal } from '@preact/signals';
import type { AlertCondition, AlertContent, AlertReceiver } from '../api/types.ts';
import { withoutStages } from '../query/edit.ts';
import { view } from '../state/view.ts';
import { t } from '../words/words.ts';

const windows = ['1m', '5m', '15m', '1h', '24h'];
const ops = ['>', '>=', '<', '<='] as const;
const receivers = ['webhook', 'slack', 'sns'] as const;

/** An alert on the query that is asked now. */
export function AlertForm({ save }: { save: (content: AlertContent) => void }) {
  const name = useSignal('');
  const condition = useSignal<'threshold' | 'absence'>('threshold');
  const op = useSignal<(typeof ops)[number]>('>');
  const count = useSignal('10');
  const width = useSignal('5m');
  const receiver = useSignal<(typeof receivers)[number]>('webhook');
  const to = useSignal('');
  const { q, stream } = view.value;
  const submit = (event: Event) => {
    event.preventDefault();
    const when: AlertCondition =
      condition.value === 'absence'
        ? { type: 'absence' }
        : { type: 'threshold', op: op.value, count: Number(count.value) };
    save({
      name: name.value.trim(),
      enabled: true,
      search: { q: withoutStages(q), ...(stream === '' ? {} : { stream }) },
      window: width.value,
      every: '1m',
      condition: when,
      notify: [receiverOf(receiver.value, to.value.trim())],
    });
  };
  return (
    <form class="alert-form" onSubmit={submit}>
      <h2>{t('alerts.create')}</h2>
      <p>
        {t('alerts.about')} <code>{withoutStages(q) === '' ? '*' : withoutStages(q)}</code> {stream}
      </p>
      <div class="alert-row">
        <input
          required
          aria-label={t('saved.name')}
          placeholder={t('saved.name')}
          maxLength={200}
          value={name.value}
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
        <Choice
          label={t('alerts.when')}
          value={condition.value}
          options={['threshold', 'absence']}
          text={(value) => t(`alerts.${value}`)}
          set={(value) => (condition.value = value)}
        />
        {condition.value === 'threshold' && (
          <>
            <Choice
              label={t('alerts.compare')}
              value={op.value}
              options={ops}
              text={(value) => value}
              set={(value) => (op.value = value)}
            />
            <input
              type="number"
              min="0"
              required
              aria-label={t('alerts.count')}
              value={count.value}
              onInput={(event) => {
                count.value = event.currentTarget.value;
              }}
            />
          </>
        )}
        <Choice
          label={t('alerts.window')}
          value={width.value}
          options={windows}
          text={(value) => t('alerts.in', { window: value })}
          set={(value) => (width.value = value)}
        />
      </div>
      <Receiver type={receiver} to={to} />
    </form>
  );
}

/** Who is told, and the button beside it. */
function Receiver({ type, to }: { type: Signal<(typeof receivers)[number]>; to: Signal<string> }) {
  return (
    <div class="alert-row">
      <Choice
        label={t('alerts.receiver')}
        value={type.value}
        options={receivers}
        text={(value) => value}
        set={(value) => (type.value = value)}
      />
      <input
        required
        class="wide-input"
        aria-label={t('alerts.to')}
        placeholder={type.value === 'sns' ? 'arn:aws:sns:eu-west-1:123456789012:alerts' : 'https://…'}
        value={to.value}
        spellcheck={false}
        onInput={(event) => {
          to.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="primary">
        {t('alerts.save')}
      </button>
    </div>
  );
}

function receiverOf(type: (typeof receivers)[number], to: string): AlertReceiver {
  return type === 'sns' ? { type, topic_arn: to, region: to.split(':')[3] ?? '' } : { type, url: to };
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly T[];
  text(value: T): string;
  set(value: T): void;
}

function Choice<T extends string>({ label, value, options, text, set }: ChoiceProps<T>) {
  return (
    <select aria-label={label} value={value} onChange={(event) => set(event.currentTarget.value as T)}>
      {options.map((option) => (
        <option key={option} value={option}>
          {text(option)}
        </option>
      ))}
    </select>
  );
}
