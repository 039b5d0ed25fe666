/**
 * The results of `work` in the order of the items, of which `parallel` are under way at a time. One that fails is thrown
 * when its turn comes.
 */
export async function* inParallel<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  parallel: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const ahead: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    // Until its turn it would be nobody's, and end the process.
    result.catch(() => {});
    ahead.push(result);
    const first = ahead.length >= parallel ? ahead.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (let first = ahead.shift(); first !== undefined; first = ahead.shift()) yield await first;
}
