import type { Disaster } from './disaster.ts';
import { diskFull } from './disk-full.ts';
import { indicesLost } from './indices-lost.ts';
import { leasesLost } from './leases-lost.ts';
import { positionsLost } from './positions-lost.ts';
import { regionLost } from './region-lost.ts';
import { storeLost } from './store-lost.ts';
import { streamThrottled } from './stream-throttled.ts';

/** In the order in which they are done. The last one repeats lines, as it has to: none comes behind it. */
export const disasters: readonly Disaster[] = [
  streamThrottled,
  diskFull,
  storeLost,
  indicesLost,
  leasesLost,
  regionLost,
  positionsLost,
];
