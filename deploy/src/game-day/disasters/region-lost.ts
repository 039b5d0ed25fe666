import { cpSync, renameSync, rmSync } from 'node:fs';
import { checkArchive } from '../check-archive.ts';
import type { Disaster } from './disaster.ts';

/** All that is left is a copy of the bucket: a stack is started on it, with a stream, leases and a store that are new. */
export const regionLost: Disaster = {
  name: 'region-lost',
  summary: 'Stream, leases, store and bucket are deleted; a copy of the bucket takes its place.',
  expects: 'every line once in search, from the copy alone, and new lines arrive',
  async run(day) {
    day.write(2_000);
    await day.whole();
    await checkArchive(day);
    await day.down();
    const { s3, kinesis, leases, opensearch } = day.paths;
    const replica = `${s3}.replica`;
    cpSync(s3, replica, { recursive: true });
    for (const folder of [s3, kinesis, leases, opensearch]) rmSync(folder, { recursive: true });
    renameSync(replica, s3);
    day.say('stream, leases, store and bucket are gone; the copy of the bucket is in its place');
    await day.up();
    day.write(2_000);
    await day.whole();
  },
};
