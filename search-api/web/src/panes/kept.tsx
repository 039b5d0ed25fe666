import { type Signal, useSignal } from '@preact/signals';
import { ApiError, sendJson } from '../api/client.ts';
import { say } from '../shell/actions.ts';
import { t } from '../words/words.ts';
import { type Answer, useAnswer } from './answer.tsx';

/** Awaits a request, then says what was done, or why not, and asks for the list again. */
export type Change = (work: Promise<unknown>, said: string) => Promise<void>;

/** A list that people change: what the API keeps at `path`, and the reason why the last change failed. */
export function useKept<T>(path: string): { answer: Signal<Answer<T>>; problem: string; change: Change } {
  const turn = useSignal(0);
  const problem = useSignal('');
  const answer = useAnswer<T>(path, {}, turn.value);
  const change: Change = async (work, said) => {
    try {
      await work;
      problem.value = '';
      say(said);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = `${error.message}. ${error.hint ?? ''}`;
    }
    turn.value++;
  };
  return { answer, problem: problem.value, change };
}

export function Problem({ text }: { text: string }) {
  if (text === '') return null;
  return (
    <p class="notice bad" role="alert">
      {text}
    </p>
  );
}

interface DeleteProps {
  path: string;
  name: string;
  change: Change;
}

export function DeleteButton({ path, name, change }: DeleteProps) {
  return (
    <button
      type="button"
      aria-label={t('saved.deleteOf', { name })}
      onClick={() => void change(sendJson('DELETE', path), t('saved.deleted', { name }))}
    >
      {t('saved.delete')}
    </button>
  );
}
