import { MillraceError } from '@millrace/core/errors.ts';

import type { Outbox } from '../state/outbox.ts';
import type { FileStatus } from '../tail/status.ts';

/** One entry of `GET /api/v1/files`; the names are part of the interface. Sizes and offsets are bytes. */
interface FileEntry {
  path: string;
  source: string;
  tag: string;
  /** '' while nothing of the file was read. */
  generation: string;
  size: number;
  read: number;
  /** Everything before this offset is acknowledged by every output that it goes to. */
  shipped: number;
  /** `size` less `shipped`. */
  lag: number;
  state: 'reading' | 'waiting' | 'limited' | 'asleep' | 'leaving';
  limit?: string;
  last_read?: string;
}

interface FilesPage {
  total: number;
  files: FileEntry[];
  /** For the parameter `after` of the next page. */
  next?: string;
}

const pageDefault = 100;
const pageMax = 1_000;

/**
 * The files in order of their paths. Parameters: `path` (a path, `*` and `?` stand for any characters), `limit`,
 * `after`.
 * @throws MillraceError USAGE
 */
export function filesPage(files: FileStatus[], outbox: Outbox, query: URLSearchParams): FilesPage {
  const limit = limitOf(query.get('limit'));
  const matches = pathFilter(query.get('path'));
  const after = query.get('after') ?? '';
  const found = files.filter(({ path }) => matches(path)).map((file) => ({ file, key: keyOf(file) }));
  found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const rest = found.filter(({ key }) => key > after);
  const page = rest.slice(0, limit);
  const unacknowledged = outbox.unacknowledgedFrom();
  const next = rest.length > page.length ? page.at(-1)?.key : undefined;
  return {
    total: found.length,
    files: page.map(({ file }) => entryOf(file, outbox, unacknowledged)),
    ...(next === undefined ? {} : { next }),
  };
}

function keyOf({ path, source, generation }: FileStatus): string {
  return `${path} ${source} ${generation}`;
}

function entryOf(file: FileStatus, outbox: Outbox, unacknowledged: Map<string, number>): FileEntry {
  const { path, source, tag, generation, size, read, limited, gone, asleep, lastReadMs } = file;
  const stored = generation === '' ? undefined : outbox.generation(Buffer.from(generation, 'base64url'));
  // What is in a builder is read, but in no block yet.
  const inBlocks = outbox.degraded ? read : Math.min(read, stored?.position ?? 0);
  const shipped = Math.min(inBlocks, unacknowledged.get(generation) ?? inBlocks);
  let state: FileEntry['state'] = size > read ? 'reading' : 'waiting';
  if (asleep) state = 'asleep';
  else if (limited !== undefined) state = 'limited';
  else if (gone) state = 'leaving';
  return {
    path,
    source,
    tag,
    generation,
    size,
    read,
    shipped,
    lag: Math.max(0, size - shipped),
    state,
    ...(limited === undefined ? {} : { limit: limited }),
    ...(lastReadMs === undefined ? {} : { last_read: new Date(lastReadMs).toISOString() }),
  };
}

function limitOf(text: string | null): number {
  if (text === null) return pageDefault;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageMax) return limit;
  throw new MillraceError('USAGE', `limit: 1 to ${pageMax}`);
}

function pathFilter(pattern: string | null): (path: string) => boolean {
  if (pattern === null || pattern === '') return () => true;
  if (pattern.length > 4096) throw new MillraceError('USAGE', 'path: at most 4096 characters');
  return (path) => globMatches(pattern, path);
}

/** In time proportional to both lengths, whatever the pattern is. */
function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let from = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      from = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
