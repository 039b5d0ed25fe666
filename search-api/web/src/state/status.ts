import { computed, signal } from '@preact/signals';
import { ApiError, getJson, isAbsent } from '../api/client.ts';
import type { Status } from '../api/types.ts';
import { bytesText, fullTime, spanText } from '../time/format.ts';
import { boundsOf } from '../time/ranges.ts';
import { manner, t } from '../words/words.ts';
import { view } from './view.ts';

/** How far what was written can be found; undefined where the server does not say. */
export const status = signal<Status | undefined>(undefined);

const everyMs = 30_000;
/** What arrives later than this is late. */
const lateMs = 30_000;
const recentMs = 10 * 60_000;

export async function watchStatus(): Promise<void> {
  for (;;) {
    if (!document.hidden) {
      try {
        status.value = await getJson<Status>('api/v1/status', {});
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (isAbsent(error)) return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Why the answer may not be all: streams that are late, when the question is about the last minutes. */
export const shortcomings = computed<string[]>(() => {
  const known = status.value;
  if (known === undefined) return [];
  const { stream } = view.value;
  const { toMs } = boundsOf(view.value, Date.now());
  const now = Date.now();
  const late = known.streams.filter(
    (item) =>
      (stream === '' || item.stream === stream) &&
      (item.lag_ms ?? 0) > lateMs &&
      now - (item.lag_ms ?? 0) < toMs &&
      // What was brought in long ago, of days before, is late for nobody who asks now.
      now - Date.parse(item.newest_ingested ?? '') < recentMs,
  );
  const said: string[] = late.map((item) =>
    t('status.lag', { stream: item.stream, lag: spanText(item.lag_ms ?? 0, manner.value) }),
  );
  const { archive } = known;
  if (archive !== null && (archive.unindexed_objects ?? 0) > 0)
    said.push(
      t('status.unindexed', {
        count: archive.unindexed_objects ?? 0,
        since: archive.oldest ? fullTime(archive.oldest, manner.value) : '–',
      }),
    );
  const { gaps } = known;
  if (gaps !== null && gaps.count > 0)
    said.push(t('status.gaps', { count: gaps.count, bytes: bytesText(gaps.bytes, manner.value) }));
  return said;
});
