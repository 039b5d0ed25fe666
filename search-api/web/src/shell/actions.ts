import { computed, signal } from '@preact/signals';
import type { Hit } from '../api/types.ts';
import { usualColumns, withColumn } from '../list/columns.ts';
import { clauseOf, withClause } from '../query/edit.ts';
import { viewText } from '../state/address.ts';
import { go, view } from '../state/view.ts';
import { absolute, absoluteBaseline } from '../time/ranges.ts';
import { t } from '../words/words.ts';
import { copyText } from './copy.tsx';

export const columns = computed(() => view.value.columns ?? usualColumns);

/** A sentence that is shown for a moment and read out. */
export const toast = signal('');
let toastTimer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  toast.value = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.value = ''), 4000);
}

export function filterBy(field: string, value: unknown, negate: boolean): void {
  addClause(clauseOf(field, value), negate);
}

export function addClause(clause: string, negate = false): void {
  go({ q: withClause(view.peek().q, clause, negate), tab: 'events', live: view.peek().live });
}

/** Columns are of the page alone: nothing is asked again. */
export function toggleColumn(name: string): void {
  go({ columns: withColumn(columns.peek(), name) });
}

export function openContext(hit: Hit): void {
  go({ context: hit.id });
}

/** A link to all that is shown, which means the same tomorrow. */
export function shareAddress(change: Partial<typeof view.value> = {}): string {
  const shown = { ...view.peek(), ...change };
  const now = Date.now();
  const baseline = absoluteBaseline(shown.baseline, now);
  return `${location.origin}${location.pathname}${viewText({ ...shown, ...absolute(shown, now), baseline, live: false })}`;
}

export async function shareView(): Promise<void> {
  await share(shareAddress());
}

export function shareEvent(hit: Hit): void {
  void share(shareAddress({ open: hit.id }));
}

async function share(link: string): Promise<void> {
  say((await copyText(link)) ? t('share.copied') : link);
}

export function toggleTail(): void {
  const { live } = view.peek();
  go({ live: !live, tab: 'events', context: '' });
}
