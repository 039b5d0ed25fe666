import type { AggregateRequest } from '../../store/aggregation.ts';
import type { Store } from '../../store/port.ts';
import type { Groups } from './groups.ts';
import type { PushDown } from './push-down.ts';

/** Has the store count what `pushed` is about; `cut`: it stopped before it had counted all. */
export async function countInStore(
  store: Pick<Store, 'aggregate'>,
  pushed: PushDown,
  request: Omit<AggregateRequest, 'parts'>,
  groups: Groups,
  signal?: AbortSignal,
): Promise<{ tookMs: number; cut: boolean }> {
  const { distinct } = pushed;
  const first = distinct && (await store.aggregate({ ...request, parts: distinct }, signal));
  const counted = await store.aggregate({ ...request, parts: pushed.parts(first?.parts) }, signal);
  pushed.add(counted.parts, counted.total, groups);
  return {
    tookMs: (first?.tookMs ?? 0) + counted.tookMs,
    cut: first?.cut === true || counted.cut === true,
  };
}
