import type { TailSource } from '../config/pipeline.ts';
import type { StoredFiles } from './stored.ts';

/** Names the readings of a source apart from those of others, wherever it stands in the configuration. */
export function readerId(source: Pick<TailSource, 'id' | 'readerId'>): string {
  return source.readerId ?? source.id;
}

/**
 * The readings of a source whose events go several ways, one for each. They are named after where they go, so that each
 * goes on from where it was when the ways are put in another order.
 */
export function branchReaders(
  source: Pick<TailSource, 'id' | 'readerId'>,
  branches: { outputs: { id: string; outboxBytes: number }[] }[],
): string[] {
  if (branches.length <= 1) return [''];
  const names: string[] = [];
  for (const { outputs } of branches) {
    // `null` keeps nothing.
    const kept = outputs.filter(({ outboxBytes }) => outboxBytes > 0);
    const name = `${readerId(source)}>${kept.map(({ id }) => id).join(',')}`;
    const alike = names.filter((each) => each === name || each.startsWith(`${name}#`)).length;
    names.push(alike === 0 ? name : `${name}#${alike}`);
  }
  return names;
}

/** The readings of a source whose files go different ways, by the number of the way. */
export function numberedReaders(source: Pick<TailSource, 'id' | 'readerId'>, count: number): string[] {
  return Array.from({ length: count }, (_, branch) => (branch === 0 ? '' : `${readerId(source)}#${branch}`));
}

/**
 * Several sources may match a file: the first one's reading is '', another's is named after it. Names stay what they
 * are when sources are put in another order, so that none goes on from where another was.
 */
export function readerOf(
  source: TailSource,
  file: { inode: string; key(reader: string): string },
  known: {
    stored: StoredFiles;
    sources: number;
    /** The source that reads a key now. */
    holder(key: string): TailSource | undefined;
  },
): string {
  const stored = known.stored.of(file.inode);
  if (source.reader) {
    if (!source.adopts || stored.some((row) => row.reader === source.reader)) return source.reader;
    // Before there were several ways, there was one reading.
    const holder = known.holder(file.key(''));
    if (holder) return holder === source ? '' : source.reader;
    return stored.some((row) => row.reader === '') ? '' : source.reader;
  }
  if (known.sources === 1 && stored.every((row) => row.reader === '')) return '';
  const id = readerId(source);
  if (known.holder(file.key(id))) return id;
  const holder = known.holder(file.key(''));
  if (holder) return holder === source ? '' : id;
  return stored.some((row) => row.reader === id) ? id : '';
}
