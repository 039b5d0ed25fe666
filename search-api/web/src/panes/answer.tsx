import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { ApiError, getJson, isAbsent, type Parameters } from '../api/client.ts';
import type { Shortfall } from '../api/types.ts';
import { t } from '../words/words.ts';

/** What a route answered, or why not; asked anew when the question changes. */
export interface Answer<T> {
  value: T | undefined;
  problem: string | undefined;
}

export function useAnswer<T>(path: string, parameters: Parameters, turn = 0): Signal<Answer<T>> {
  const answer = useSignal<Answer<T>>({ value: undefined, problem: undefined });
  const key = JSON.stringify([path, parameters, turn]);
  useEffect(() => {
    const asking = new AbortController();
    getJson<T>(path, parameters, asking.signal).then(
      (value) => {
        answer.value = { value, problem: undefined };
      },
      (error: unknown) => {
        if (asking.signal.aborted || !(error instanceof ApiError)) return;
        const problem = isAbsent(error)
          ? t('absent')
          : error.code === 'OFFLINE'
            ? t('problem.offline')
            : error.message;
        answer.value = { value: undefined, problem };
      },
    );
    return () => asking.abort();
  }, [key]);
  return answer;
}

/** The answer when it is there; until then, that it is awaited, or why it does not come. */
export function Answered<T extends object>({
  answer,
  children,
}: {
  answer: Signal<Answer<T>>;
  children: (value: T) => ComponentChildren;
}) {
  const { value, problem } = answer.value;
  if (problem !== undefined)
    return (
      <p class="empty" role="alert">
        {problem}
      </p>
    );
  if (value === undefined) return <p class="empty">{t('loading')}</p>;
  const { partial } = value as { partial?: Shortfall[] };
  return (
    <>
      {(partial ?? []).map(({ code, message }) => (
        <p key={code} class="notice warn" role="status">
          {t('partial')} {message}
        </p>
      ))}
      {children(value)}
    </>
  );
}
