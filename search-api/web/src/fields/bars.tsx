import { countText, percentText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';

interface ValueBarsProps {
  values: readonly { value: string | number; count: number }[];
  /** What a full bar is. */
  total: number;
  onFilter(value: string | number, negate: boolean): void;
}

/** Values with how often they occur; a click asks for them alone, the button beside for all but them. */
export function ValueBars({ values, total, onFilter }: ValueBarsProps) {
  return (
    <ul class="bars">
      {values.map(({ value, count }) => {
        const text = String(value);
        const share = percentText(count / total, manner.value);
        return (
          <li key={text}>
            <button
              type="button"
              class="bar"
              title={`${text}: ${countText(count, manner.value)} (${share})`}
              onClick={() => onFilter(value, false)}
            >
              <i class="fill" style={{ width: `${Math.max(1, (100 * count) / total)}%` }} />
              <span class="name">{text === '' ? t('facets.empty') : text}</span>
              <span class="count">{countText(count, manner.value)}</span>
            </button>
            <button
              type="button"
              class="without"
              aria-label={t('filter.withoutValue', { value: text })}
              title={t('filter.withoutValue', { value: text })}
              onClick={() => onFilter(value, true)}
            >
              −
            </button>
          </li>
        );
      })}
    </ul>
  );
}
