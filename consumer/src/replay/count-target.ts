import type { ReplayIndices } from './replay-indices.ts';
import type { ReplayTarget } from './target.ts';

/** Writes nothing and counts what would be written, by index: for a dry run. */
export function countTarget(indices: ReplayIndices, byIndex: Map<string, number>): ReplayTarget {
  return {
    open: () => ({
      async take(selected, counts) {
        for (const { documents } of selected.batches()) {
          counts.events += documents.length;
          for (const document of documents) {
            const index = indices.of(document.index);
            byIndex.set(index, (byIndex.get(index) ?? 0) + 1);
          }
        }
      },
      end: async () => ({}),
    }),
    close: async () => {},
  };
}
