import { useSignal } from '@preact/signals';
import type { ChangedPattern, Comparison } from '../api/types.ts';
import { toneOfLevel } from '../list/values.ts';
import { currentWhat } from '../state/facets.ts';
import { generation } from '../state/search.ts';
import { go, view } from '../state/view.ts';
import { countText, fullTime, numberText } from '../time/format.ts';
import { boundsOf, iso } from '../time/ranges.ts';
import { manner, t } from '../words/words.ts';
import { Answered, useAnswer } from './answer.tsx';
import { PatternItem } from './pattern.tsx';

const daysMs = 86_400_000;

/** What is new, gone, or more or less often than in another time: since the deploy, since yesterday. */
export function ComparePane() {
  const { baseline } = view.value;
  const answer = useAnswer<Comparison>(
    'api/v1/compare',
    { ...currentWhat(), with: baseline },
    generation.value,
  );
  return (
    <div class="pane">
      <div class="pane-bar">
        <BaselineChoice />
        {answer.value.value !== undefined && <ComparedTimes found={answer.value.value} />}
      </div>
      <Answered answer={answer}>
        {(found) => (
          <>
            <Totals found={found} />
            <Section
              title={t('compare.new')}
              none={t('compare.newNone')}
              patterns={found.new}
              count={found.totals.patterns.new}
            />
            <Section
              title={t('compare.changed')}
              none={t('compare.none')}
              patterns={found.changed}
              count={found.totals.patterns.changed}
            />
            <Section
              title={t('compare.gone')}
              none={t('compare.none')}
              patterns={found.gone}
              count={found.totals.patterns.gone}
            />
          </>
        )}
      </Answered>
    </div>
  );
}

/** With which time, and whether all events of both were looked at. */
function ComparedTimes({ found: { before, after, totals } }: { found: Comparison }) {
  const sampled = before.sampled + after.sampled;
  return (
    <p class="muted" role="status">
      {t('compare.with', {
        from: fullTime(before.from, manner.value),
        to: fullTime(before.to, manner.value),
      })}
      {sampled < totals.before + totals.after &&
        ` · ${t('patterns.sampled', { count: countText(sampled, manner.value) })}`}
    </p>
  );
}

/** The time before, the same time some days ago, or any other. */
function BaselineChoice() {
  const { baseline } = view.value;
  const typed = useSignal(baseline === 'previous' ? '' : baseline);
  const daysAgo = (days: number) => {
    const now = Date.now();
    const { fromMs, toMs } = boundsOf(view.peek(), now);
    const with_ = `${iso((fromMs ?? toMs - daysMs) - days * daysMs)}..${iso(toMs - days * daysMs)}`;
    typed.value = with_;
    go({ baseline: with_ });
  };
  return (
    <form
      class="baseline"
      onSubmit={(event) => {
        event.preventDefault();
        go({ baseline: typed.value.trim() || 'previous' });
      }}
    >
      <span>{t('compare.baseline')}</span>
      <button
        type="button"
        aria-pressed={baseline === 'previous'}
        onClick={() => go({ baseline: 'previous' })}
      >
        {t('compare.previous')}
      </button>
      <button type="button" onClick={() => daysAgo(1)}>
        {t('compare.yesterday')}
      </button>
      <button type="button" onClick={() => daysAgo(7)}>
        {t('compare.week')}
      </button>
      <input
        aria-label={t('compare.typed')}
        placeholder="now-2h..now-1h"
        value={typed.value}
        spellcheck={false}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
      />
    </form>
  );
}

function Totals({ found }: { found: Comparison }) {
  const { before, after, levels } = found.totals;
  const lines: [string, string, number, number][] = [
    [t('compare.all'), 'none', before, after],
    ...Object.entries(levels).map(([level, both]): [string, string, number, number] => [
      level,
      toneOfLevel(level),
      both.before,
      both.after,
    ]),
  ];
  return (
    <ul class="totals">
      {lines.map(([name, tone, was, is]) => (
        <li key={name}>
          <span class={`badge ${tone}`}>{name}</span>
          <b>{countText(is, manner.value)}</b>
          <span class="muted">{t('compare.was', { count: countText(was, manner.value) })}</span>
        </li>
      ))}
    </ul>
  );
}

function Section({
  title,
  none,
  patterns,
  count,
}: {
  title: string;
  none: string;
  patterns: ChangedPattern[];
  count: number;
}) {
  return (
    <section>
      <h2 class="pane-title">
        {title} <span class="muted">{countText(count, manner.value)}</span>
      </h2>
      {patterns.length === 0 ? (
        <p class="muted pad">{none}</p>
      ) : (
        <ul class="patterns">
          {patterns.map((pattern) => (
            <PatternItem key={pattern.template} pattern={pattern}>
              <b>
                {countText(pattern.before, manner.value)} → {countText(pattern.after, manner.value)}
              </b>
              {pattern.ratio !== null && pattern.after > 0 && (
                <span class={pattern.ratio > 1 ? 'more' : 'less'}>
                  × {numberText(round(pattern.ratio), manner.value)}
                </span>
              )}
            </PatternItem>
          ))}
        </ul>
      )}
    </section>
  );
}

function round(value: number): number {
  return value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
}
