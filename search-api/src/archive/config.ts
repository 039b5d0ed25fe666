import { Type } from 'typebox';

const mebibyte = 1024 * 1024;

/** How the archive is searched. */
export const ArchiveSearchConfigSchema = Type.Object(
  {
    /** Threads that look into blocks; 0: as many as there are cores. */
    workers: Type.Integer({ default: 0, minimum: 0, maximum: 256 }),
    /** JavaScript's memory of one thread. */
    worker_memory_bytes_max: Type.Integer({
      default: 512 * mebibyte,
      minimum: 64 * mebibyte,
      maximum: 2 ** 34,
    }),
    /** Bytes of an object that are read, and looked into by a thread, at a time. */
    read_bytes: Type.Integer({ default: 4 * mebibyte, minimum: 4096, maximum: 64 * mebibyte }),
    /** A thread that works for so long at that hangs: it is ended, and the block set aside. */
    task_ms_max: Type.Integer({ default: 30_000, minimum: 100, maximum: 600_000 }),
    /** Bytes that one search may read from the archive, and the time it may take; a page has `limits.query_ms_max`. */
    bytes_max: Type.Integer({ default: 2 ** 40, minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    time_ms_max: Type.Integer({ default: 600_000, minimum: 100, maximum: 86_400_000 }),
    /** Hits of one search that wait for their turn, rough bytes. */
    held_bytes_max: Type.Integer({ default: 128 * mebibyte, minimum: mebibyte, maximum: 2 ** 36 }),
    /** Footers kept between searches, rough bytes. */
    footers_bytes_max: Type.Integer({ default: 128 * mebibyte, minimum: mebibyte, maximum: 2 ** 36 }),
    /** Objects count that arrived up to so many days after the end of the time asked for: agents may be late. */
    late_days: Type.Integer({ default: 7, minimum: 0, maximum: 36_500 }),
    /** How often is looked which objects the store has not answered for. */
    unmarked_fresh_ms: Type.Integer({ default: 10_000, minimum: 100, maximum: 3_600_000 }),
    /** Younger objects are left to the store, which is about to have their events. */
    unmarked_settle_ms: Type.Integer({ default: 120_000, minimum: 0, maximum: 86_400_000 }),
    /** Such objects of one stream that are known one by one; of more, all of the stream is searched. */
    unmarked_max: Type.Integer({ default: 1_000, minimum: 1, maximum: 1_000 }),
  },
  { additionalProperties: false, default: {} },
);
