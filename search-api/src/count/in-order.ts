/**
 * The answers of questions in their order, of which at most so many are asked at a time. With the first that fails, or
 * when nobody wants more, the others are cancelled.
 */
export async function* inOrder<T>(
  questions: readonly ((signal: AbortSignal) => Promise<T>)[],
  askedMax: number,
): AsyncGenerator<T, void> {
  const end = new AbortController();
  const asked: Promise<T>[] = [];
  let next = 0;
  try {
    for (;;) {
      for (; next < questions.length && asked.length < askedMax; next++) {
        const answer = questions[next]?.(end.signal);
        if (answer === undefined) continue;
        // It is waited for in its turn, and may fail before.
        answer.catch(() => {});
        asked.push(answer);
      }
      const first = asked.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    end.abort();
  }
}
