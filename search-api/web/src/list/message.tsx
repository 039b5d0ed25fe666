import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Hit } from '../api/types.ts';
import { CopyButton } from '../shell/copy.tsx';
import { bytesText } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { jsonOf, jsonPieces } from './json.ts';
import { marked } from './marked.tsx';
import { foldStack } from './stack.ts';

/** Characters of a message that an open row shows at first. */
const shownAtFirst = 12_000;

/** The whole text of an event: traces folded, JSON laid out, a huge one with its size and a part of it. */
export function Message({ hit }: { hit: Hit }) {
  const { message, highlight } = hit;
  const all = useSignal(message.length <= shownAtFirst);
  const raw = useSignal(false);
  const parsed = useMemo(() => jsonOf(message), [message]);
  const pretty = parsed !== undefined && !raw.value;
  const shown = all.value ? message.length : shownAtFirst;
  return (
    <div class="message">
      <pre tabIndex={0} role="region" aria-label={t('column.message')}>
        {pretty ? (
          <Json value={parsed} length={all.value ? undefined : shownAtFirst} />
        ) : (
          <Folded text={message} highlight={highlight} end={shown} />
        )}
      </pre>
      <div class="message-tools">
        {parsed !== undefined && (
          <button type="button" aria-pressed={!raw.value} onClick={() => (raw.value = !raw.value)}>
            {'{ }'}
          </button>
        )}
        <CopyButton text={() => message} />
      </div>
      {!all.value && (
        <button type="button" class="fold" onClick={() => (all.value = true)}>
          {t('message.all', { size: bytesText(message.length, manner.value) })}
        </button>
      )}
    </div>
  );
}

function Folded({ text, highlight, end }: { text: string; highlight: Hit['highlight']; end: number }) {
  const unfolded = useSignal(false);
  const stretches = useMemo(() => foldStack(text.slice(0, end)), [text, end]);
  return (
    <>
      {stretches.map((stretch) =>
        stretch.folded > 0 && !unfolded.value ? (
          <button key={stretch.start} type="button" class="frames" onClick={() => (unfolded.value = true)}>
            {t('message.frames', { count: stretch.folded })}
          </button>
        ) : (
          <span key={stretch.start}>{marked(text, highlight, stretch.start, stretch.end)}</span>
        ),
      )}
    </>
  );
}

/** JSON, laid out and coloured. */
export function Json({ value, length }: { value: unknown; length: number | undefined }) {
  const pieces = useMemo(() => jsonPieces(value), [value]);
  let left = length ?? Number.POSITIVE_INFINITY;
  return (
    <>
      {pieces.map(({ kind, text }, i) => {
        const piece = text.slice(0, Math.max(0, left));
        left -= text.length;
        return kind === 'plain' ? (
          piece
        ) : (
          <span key={i} class={`json-${kind}`}>
            {piece}
          </span>
        );
      })}
    </>
  );
}
