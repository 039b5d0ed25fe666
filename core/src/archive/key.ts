import { MillraceError } from '../errors.ts';
import { isStreamName } from '../ids/stream-name.ts';

/**
 * What the name of an archive object says (D6). A name is never used twice: two workers that both hold the same
 * records write two objects, and readers keep one of each block id.
 */
export interface ArchiveKey {
  /** What stands before `archive/`: empty, or a folder name that ends with `/`. */
  prefix: string;
  /** Millrace stream name, `[a-z0-9_]+`. */
  stream: string;
  /** Start of the UTC hour in which Kinesis received the first record, milliseconds since 1970. */
  hourMs: number;
  /** Kinesis shard id, or `spill` for what an agent uploaded itself. */
  shard: string;
  /** Sequence number of the first record, decimal text. */
  firstSequence: string;
  /** 8 random lower-case hex digits. */
  suffix: string;
}

export const hourMs = 3_600_000;

const shardPattern = /^[A-Za-z0-9_-]{1,128}$/;
const keyPattern =
  /^archive\/([a-z0-9_]{1,100})\/(\d{4})\/(\d\d)\/(\d\d)\/(\d\d)\/([A-Za-z0-9_-]{1,128})\/(\d{1,128})-([0-9a-f]{8})\.zst$/;

/** `<prefix>archive/<stream>/YYYY/MM/DD/HH/<shard>/<first sequence number>-<8 hex>.zst` */
export function archiveKey(key: ArchiveKey): string {
  if (!shardPattern.test(key.shard)) {
    throw new MillraceError(
      'ARCHIVE_CORRUPT',
      `shard id ${JSON.stringify(key.shard)} cannot be in an object key`,
    );
  }
  const folder = archiveHourPrefix(key.prefix, key.stream, key.hourMs);
  return `${folder}${key.shard}/${key.firstSequence}-${key.suffix}.zst`;
}

/** The parts of a key under `prefix`; undefined for anything that is not an archive object's key. */
export function parseArchiveKey(text: string, prefix = ''): ArchiveKey | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const match = keyPattern.exec(text.slice(prefix.length));
  if (match === null) return undefined;
  const [, stream = '', year, month, day, hour, shard = '', firstSequence = '', suffix = ''] = match;
  const start = Date.parse(`${year}-${month}-${day}T${hour}:00:00Z`);
  // 2026-02-31 is a date to Date.parse: only a folder that the writer would name counts.
  if (Number.isNaN(start) || !text.startsWith(archiveHourPrefix(prefix, stream, start))) return undefined;
  return { prefix, stream, hourMs: start, shard, firstSequence, suffix };
}

/** The folder of one hour of one stream, `/` at the end; `timeMs` is any time in that hour. */
export function archiveHourPrefix(prefix: string, stream: string, timeMs: number): string {
  if (!isStreamName(stream)) {
    throw new MillraceError(
      'ARCHIVE_CORRUPT',
      `stream name ${JSON.stringify(stream)} cannot be in an object key`,
    );
  }
  const [day = '', rest = ''] = new Date(timeMs).toISOString().split('T');
  return `${archiveStreamPrefix(prefix, stream)}${day.replaceAll('-', '/')}/${rest.slice(0, 2)}/`;
}

/** The folder of one stream, `/` at the end. */
export function archiveStreamPrefix(prefix: string, stream: string): string {
  return `${prefix}archive/${stream}/`;
}
