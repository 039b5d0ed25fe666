import { isUtf8 } from 'node:buffer';
import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files that a source's globs match now, and the folders whose change can alter that. */
export interface Expansion {
  /** Sorted. A byte of a name that is not UTF-8 stands there as `\\xE9`. */
  files: string[];
  folders: string[];
  /** Those of `files` that are symbolic links: no folder's time shows that they lead elsewhere. */
  links: Set<string>;
  /** The true paths of the files whose names are not UTF-8. */
  raw: Map<string, Buffer>;
  /** What a pattern may match and that cannot be followed, with the reason. */
  refused: Map<string, string>;
}

/** Expands globs: `*`, `?`, `[…]`, `{a,b}` and `**`; files only, symbolic links followed, sorted. */
export function expandGlobs(patterns: string[], excludes: string[]): Expansion {
  const walker = new Walker();
  for (const pattern of patterns.flatMap(expandBraces)) {
    const segments = pattern.split('/').filter((segment) => segment !== '');
    walker.walk('/', segments);
  }
  const { files, folders, links, raw, refused } = walker;
  const excluded = excludes.flatMap(expandBraces).map(pathExpression);
  return {
    files: [...files].filter((file) => !excluded.some((expression) => expression.test(file))).sort(),
    folders: [...folders],
    links,
    raw,
    refused,
  };
}

/** Changes whenever a name in the folder does, or when the path leads to another one; '' when it is not there. */
export function folderState(folder: string): { ms: number; text: string } {
  try {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat ? { ms: stat.mtimeMs, text: `${stat.dev}:${stat.ino}:${stat.mtimeMs}` } : nowhere;
  } catch {
    return nowhere;
  }
}

const nowhere = { ms: 0, text: '' };

/** What the decoding of bytes that are not UTF-8 leaves in a name. */
const undecodable = '\ufffd';

class Walker {
  readonly files = new Set<string>();
  readonly folders = new Set<string>();
  readonly links = new Set<string>();
  readonly raw = new Map<string, Buffer>();
  readonly refused = new Map<string, string>();

  walk(folder: string, segments: string[]): void {
    const [segment, ...rest] = segments;
    if (segment === undefined) return;
    if (!/[*?[]/.test(segment)) {
      const path = join(folder, segment);
      if (rest.length > 0) this.walk(path, rest);
      else {
        this.folders.add(folder);
        if (kindOf(path) === 'file') this.#add(path, isLink(path));
      }
      return;
    }
    this.folders.add(folder);
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      return; // absent or unreadable: the folder's own appearance is what the scan waits for
    }
    // As in Ruby's globs, `**` goes down only where more follows; at the end it is `*`.
    const deep = segment === '**' && rest.length > 0;
    if (deep) this.walk(folder, rest);
    const expression = deep ? /^[^.]/ : segmentExpression(segment);
    let undecoded = false;
    for (const entry of entries) {
      if (!expression.test(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.name.includes(undecodable)) undecoded = true;
      else if (deep) {
        // Not through symbolic links: they can lead back up, and the folders below would never end.
        if (entry.isDirectory()) this.walk(path, segments);
      } else if (rest.length > 0) {
        if (kindOf(path, entry) === 'folder') this.walk(path, rest);
      } else if (kindOf(path, entry) === 'file') {
        this.#add(path, entry.isSymbolicLink());
      }
    }
    if (undecoded) this.#addUndecoded(folder, expression, rest.length === 0);
  }

  #add(path: string, link: boolean): void {
    this.files.add(path);
    if (link) this.links.add(path);
  }

  #addUndecoded(folder: string, expression: RegExp, last: boolean): void {
    let entries: Dirent<Buffer>[];
    try {
      entries = readdirSync(folder, { withFileTypes: true, encoding: 'buffer' });
    } catch {
      return;
    }
    const slash = Buffer.from('/');
    for (const entry of entries) {
      const name = entry.name.toString();
      if (!name.includes(undecodable) || !expression.test(name)) continue;
      const path = join(folder, nameText(entry.name));
      const raw = Buffer.concat([Buffer.from(folder), slash, entry.name]);
      const kind = kindOf(raw);
      if (last && kind === 'file') {
        this.raw.set(path, raw);
        this.#add(path, entry.isSymbolicLink());
      } else if (!last && kind === 'folder')
        this.refused.set(path, 'the name of the folder is not UTF-8: files in it are not found');
    }
  }
}

/** A name with `\\xE9` for each byte that is not UTF-8. */
function nameText(name: Buffer): string {
  let text = '';
  for (let at = 0; at < name.length; ) {
    const size = [1, 2, 3, 4].find(
      (length) => at + length <= name.length && isUtf8(name.subarray(at, at + length)),
    );
    if (size === undefined) text += `\\x${name.toString('hex', at, at + 1).toUpperCase()}`;
    else text += name.toString('utf8', at, at + size);
    at += size ?? 1;
  }
  return text;
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function kindOf(path: string | Buffer, entry?: Dirent): 'file' | 'folder' | undefined {
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
