import type { ComponentChildren } from 'preact';
import type { Pattern } from '../api/types.ts';
import { type Tone, toneOfLevel } from '../list/values.ts';
import { addClause } from '../shell/actions.ts';
import { go } from '../state/view.ts';
import { clockTime, countText, dayText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';

/** A pattern: what its lines have in common, an example, and ways to them and away from them. */
export function PatternItem({ pattern, children }: { pattern: Pattern; children: ComponentChildren }) {
  const { template, query, example, levels } = pattern;
  const tone = worstTone(levels);
  return (
    <li class={`pattern ${tone}`}>
      <div class="pattern-counts">{children}</div>
      <div class="pattern-text">
        <button
          type="button"
          class="template"
          data-item
          onClick={() => addClause(query)}
          title={t('patterns.show')}
        >
          <Template text={template} />
        </button>
        <p class="muted pattern-times">
          {Object.entries(levels).map(([level, count]) => (
            <span key={level} class={`badge ${toneOfLevel(level)}`}>
              {level} {countText(count, manner.value)}
            </span>
          ))}
          <span>
            {dayText(pattern.first, manner.value)} {clockTime(pattern.first, manner.value)} –{' '}
            {dayText(pattern.last, manner.value)} {clockTime(pattern.last, manner.value)}
          </span>
          {example !== null && (
            <button type="button" class="link" onClick={() => go({ context: example.id })}>
              {t('patterns.example')}
            </button>
          )}
          <button type="button" class="link" onClick={() => addClause(query, true)}>
            {t('patterns.without')}
          </button>
        </p>
      </div>
    </li>
  );
}

/** What stands for text that differs; other text in angle brackets is the line's own. */
const placeholders = /(<(?:\*|duration|email|hex|ip|lines|num|path|rest|str|time|url|uuid)>)/;

function Template({ text }: { text: string }) {
  return <>{text.split(placeholders).map((piece, i) => (i % 2 === 1 ? <i key={i}>{piece}</i> : piece))}</>;
}

function worstTone(levels: Record<string, number>): Tone {
  const tones = Object.keys(levels).map(toneOfLevel);
  return (['bad', 'warn', 'calm'] as const).find((tone) => tones.includes(tone)) ?? 'none';
}
