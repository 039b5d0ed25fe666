import { MillraceError } from '../errors.ts';
import type { Store } from '../store/port.ts';

/** A store of which a test uses no part but those that it puts in place. */
export function unusedStore(): Store {
  const unused = () => Promise.reject(new MillraceError('STORE_REJECTED', 'not part of this fake'));
  return {
    describe: unused,
    install: unused,
    bulkCreate: unused,
    bulkApply: unused,
    putMark: unused,
    marked: unused,
    marksOf: unused,
    marksSetAside: unused,
    marks: unused,
    generations: unused,
    replaceMark: unused,
    indices: unused,
    deleteIndex: unused,
    present: unused,
    horizons: unused,
    moveHorizon: unused,
    search: unused,
    // biome-ignore lint/correctness/useYield: it fails before its first page.
    async *scan() {
      await unused();
    },
    histogram: unused,
    openPoint: unused,
    closePoint: unused,
    aggregate: unused,
    objects: { get: unused, put: unused, list: unused, delete: unused },
    refresh: unused,
    close: () => Promise.resolve(),
  };
}
