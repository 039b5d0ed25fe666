import { rmSync } from 'node:fs';
import type { Disaster } from './disaster.ts';

/** The store's disk is gone: indices, marks and horizons. */
export const storeLost: Disaster = {
  name: 'store-lost',
  summary: "The search store's data is deleted; the filler fills a new one from the archive.",
  expects: 'every line once in search, and every archive object with its mark',
  async run(day) {
    day.write(2_000);
    await day.whole();
    await day.down();
    rmSync(day.paths.opensearch, { recursive: true });
    day.say('the folder of OpenSearch is deleted');
    await day.up();
    await day.whole();
    await day.until('every object has its mark', async () => (await day.ask('fill', '--once')).code === 0);
    day.say('./millrace fill --once: no object is without its mark');
  },
};
