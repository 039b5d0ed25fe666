import { useEffect } from 'preact/hooks';
import type { ListModel } from './model.ts';

/** Lists on the screen, the one in front last: keys are about that. */
const lists: ListModel[] = [];

export function frontList(): ListModel | undefined {
  return lists.at(-1);
}

/** The list is in front while its component is there. */
export function useFront(model: ListModel): void {
  useEffect(() => {
    lists.push(model);
    return () => {
      lists.splice(lists.lastIndexOf(model), 1);
    };
  }, [model]);
}
