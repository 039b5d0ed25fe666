import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files that a source's globs match now, and the folders whose change can alter that. */
export interface Expansion {
  files: string[];
  folders: string[];
}

/** Expands globs: `*`, `?`, `[…]`, `{a,b}` and `**`; files only, symbolic links followed, sorted. */
export function expandGlobs(patterns: string[], excludes: string[]): Expansion {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const pattern of patterns.flatMap(expandBraces)) {
    const segments = pattern.split('/').filter((segment) => segment !== '');
    walk('/', segments, files, folders);
  }
  const excluded = excludes.flatMap(expandBraces).map(pathExpression);
  return {
    files: [...files].filter((file) => !excluded.some((expression) => expression.test(file))).sort(),
    folders: [...folders],
  };
}

/** Modification time of a folder, milliseconds; 0 when it is not there or may not be looked at. */
export function folderTime(folder: string): number {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  } catch {
    return 0;
  }
}

function walk(folder: string, segments: string[], files: Set<string>, folders: Set<string>): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) return;
  if (!/[*?[]/.test(segment)) {
    const path = join(folder, segment);
    if (rest.length > 0) walk(path, rest, files, folders);
    else {
      folders.add(folder);
      if (kindOf(path) === 'file') files.add(path);
    }
    return;
  }
  folders.add(folder);
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return; // absent or unreadable: the folder's own appearance is what the scan waits for
  }
  // As in Ruby's globs, `**` goes down only where more follows; at the end it is `*`.
  const deep = segment === '**' && rest.length > 0;
  if (deep) walk(folder, rest, files, folders);
  const expression = deep ? /^[^.]/ : segmentExpression(segment);
  for (const entry of entries) {
    if (!expression.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (deep) {
      // Not through symbolic links: they can lead back up, and the folders below would never end.
      if (entry.isDirectory()) walk(path, segments, files, folders);
    } else if (rest.length > 0) {
      if (kindOf(path, entry) === 'folder') walk(path, rest, files, folders);
    } else if (kindOf(path, entry) === 'file') {
      files.add(path);
    }
  }
}

function kindOf(path: string, entry?: Dirent): 'file' | 'folder' | undefined {
  if (entry?.isFile()) return 'file';
  if (entry?.isDirectory()) return 'folder';
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile()) return 'file';
    return stat?.isDirectory() ? 'folder' : undefined;
  } catch {
    return undefined; // a link that leads nowhere or round, a folder that may not be entered: nothing to read, yet
  }
}

/** `a{b,c{d,e}}f` → abf, acdf, acef. */
function expandBraces(pattern: string): string[] {
  const open = pattern.indexOf('{');
  if (open < 0) return [pattern];
  let depth = 0;
  const commas: number[] = [];
  for (let i = open; i < pattern.length; i++) {
    if (pattern[i] === '{') depth++;
    else if (pattern[i] === ',' && depth === 1) commas.push(i);
    else if (pattern[i] === '}' && --depth === 0) {
      const edges = [open, ...commas, i];
      const parts = edges.slice(1).map((end, n) => pattern.slice((edges[n] ?? 0) + 1, end));
      return parts.flatMap((part) => expandBraces(pattern.slice(0, open) + part + pattern.slice(i + 1)));
    }
  }
  return [pattern];
}

/** A hidden file is matched only by a pattern that names its dot. */
function segmentExpression(segment: string): RegExp {
  return new RegExp(`^${segment.startsWith('.') ? '' : '(?!\\.)'}${globSource(segment)}$`, 's');
}

function pathExpression(pattern: string): RegExp {
  return new RegExp(`^${globSource(pattern)}$`, 's');
}

function globSource(glob: string): string {
  let source = '';
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] ?? '';
    const close = char === '[' ? glob.indexOf(']', i + 2) : -1;
    if (glob.startsWith('**/', i)) {
      source += '(?:.*/)?';
      i += 2;
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (close > 0) {
      const body = glob
        .slice(i + 1, close)
        .replace(/^!/, '^')
        .replaceAll('\\', '\\\\');
      source += `[${body}]`;
      i = close;
    } else source += char.replace(/[.+^${}()|[\]\\]/, '\\$&');
  }
  return source;
}
