import { type Signal, signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ApiError, getJson, isAbsent } from '../api/client.ts';
import type { ContextAnswer, Hit } from '../api/types.ts';
import { useFront } from '../list/front.ts';
import { List } from '../list/list.tsx';
import { createModel, moveTo, resetModel } from '../list/model.ts';
import { Dialog } from '../shell/dialog.tsx';
import { go, view } from '../state/view.ts';
import { t } from '../words/words.ts';

const held: { hits: Hit[] } = { hits: [] };
const count = signal(0);
const model = createModel(() => held.hits, count);

/** More lines with each click, and as many as the server gives at once. */
const stepLines = 190;
const linesMax = 1000;

/** The lines around an event: of its file, or of all hosts at that time. */
export function ContextDialog() {
  const id = view.value.context;
  if (id === '') return null;
  return (
    <Dialog title={t('context.title')} close={() => go({ context: '' })} drawer>
      <Around key={id} id={id} />
    </Dialog>
  );
}

/** What is asked: of which lines, and how many on each side. */
interface Ask {
  of: 'file' | 'all';
  before: number;
  after: number;
}

function Around({ id }: { id: string }) {
  useFront(model);
  const ask = useSignal<Ask>({ of: 'file', before: 50, after: 50 });
  const answer = useSignal<ContextAnswer | undefined>(undefined);
  const failed = useSignal('');
  const generation = useRef(0);
  const { of, before, after } = ask.value;
  useEffect(() => {
    const asking = new AbortController();
    const { stream } = view.peek();
    const path = of === 'file' ? 'api/v1/context' : 'api/v1/neighbours';
    const what = { id, before: String(before), after: String(after), ...(stream === '' ? {} : { stream }) };
    getJson<ContextAnswer>(path, what, asking.signal).then(
      (got) => {
        show(got);
        generation.current++;
        answer.value = got;
        failed.value = '';
      },
      (error: unknown) => {
        if (asking.signal.aborted || !(error instanceof ApiError)) return;
        failed.value = isAbsent(error) && error.code !== 'NOT_FOUND' ? t('context.absent') : error.message;
      },
    );
    return () => asking.abort();
  }, [id, of, before, after]);
  const got = answer.value;
  return (
    <div class="around">
      <AroundBar ask={ask} answer={got} />
      {(got?.partial ?? []).map(({ code, message }) => (
        <p key={code} class="notice warn">
          {message}
        </p>
      ))}
      {failed.value !== '' && (
        <p class="empty" role="alert">
          {failed.value}
        </p>
      )}
      {failed.value === '' && got === undefined && <p class="empty">{t('loading')}</p>}
      {failed.value === '' && got !== undefined && (
        <div class="results">
          <List
            model={model}
            name="around"
            label={t('context.title')}
            columns={of === 'file' ? [] : ['host.name', 'log.file.path']}
            generation={generation.current}
            withDay={false}
            chosen={id}
            keepPlace
          />
        </div>
      )}
    </div>
  );
}

/** Who asked for more lines stays where they were. */
function show(got: ContextAnswer): void {
  const active = held.hits[model.active.peek()]?.id;
  held.hits = got.hits;
  resetModel(model);
  count.value = got.hits.length;
  const kept = got.hits.findIndex((hit) => hit.id === active);
  moveTo(model, kept < 0 ? got.index : kept, true, true);
}

function AroundBar({ ask, answer }: { ask: Signal<Ask>; answer: ContextAnswer | undefined }) {
  const { of, before, after } = ask.value;
  const change = (part: Partial<Ask>) => {
    ask.value = { ...ask.value, ...part };
  };
  const hit = answer?.hits[answer.index];
  return (
    <div class="around-bar">
      <div class="segments" role="group" aria-label={t('context.of')}>
        {(['file', 'all'] as const).map((name) => (
          <button key={name} type="button" aria-pressed={of === name} onClick={() => change({ of: name })}>
            {t(`context.${name}`)}
          </button>
        ))}
      </div>
      <p class="muted around-file" title={hit?.file}>
        {of === 'file' && hit !== undefined && `${hit.host ?? ''} ${hit.file ?? ''}`}
      </p>
      <button
        type="button"
        disabled={answer?.start_reached === true || before >= linesMax}
        onClick={() => change({ before: before + stepLines })}
      >
        ↑ {t(answer?.start_reached === true ? `context.start.${of}` : 'context.earlier')}
      </button>
      <button
        type="button"
        disabled={answer?.end_reached === true || after >= linesMax}
        onClick={() => change({ after: after + stepLines })}
      >
        ↓ {t(answer?.end_reached === true ? `context.end.${of}` : 'context.later')}
      </button>
    </div>
  );
}
