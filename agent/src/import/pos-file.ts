import { MillraceError } from '@millrace/core/errors.ts';

/** One line of a fluentd pos_file. */
export interface PosEntry {
  path: string;
  /** Bytes read; undefined: fluentd had done with the file. */
  position: number | undefined;
  /** Inode number, decimal. */
  inode: string;
}

const unwatched = 'ffffffffffffffff';

/**
 * Reads a pos_file: `path<TAB>position<TAB>inode` a line, both numbers of 16 hexadecimal digits. Of several lines for
 * one path and inode the last counts.
 * @throws MillraceError USAGE naming the file and line that is none
 */
export function parsePosFile(name: string, text: string): PosEntry[] {
  const entries = new Map<string, PosEntry>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const match = /^(.+)\t([0-9a-f]{16})\t([0-9a-f]{16}|[0-9a-f]{8})$/i.exec(line);
    if (!match)
      throw new MillraceError('USAGE', `${name}:${i + 1}: no line of a fluentd pos_file`, {
        hint: 'each line has a path, a position and an inode, separated by tabs',
      });
    const [, path = '', position = '', inode = ''] = match;
    const entry = {
      path,
      position: position.toLowerCase() === unwatched ? undefined : Number.parseInt(position, 16),
      inode: String(BigInt(`0x${inode}`)),
    };
    entries.set(`${path}\t${entry.inode}`, entry);
  }
  return [...entries.values()];
}
