import { globSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { messageOf } from '@millrace/core/errors.ts';
import { parseInto } from './parser.ts';
import { type ConfigSection, configError, type Place, type RubyEnvironment } from './tree.ts';

const includeDepthMax = 16;
const filesMax = 1_000;
const charactersMax = 4 * 1024 * 1024;

/** How configuration files are found and read. */
interface ConfigFiles {
  read(path: string): string;
  /** Files that a pattern matches, in any order. */
  glob(pattern: string): string[];
}

export const diskFiles: ConfigFiles = {
  read: (path) => readFileSync(path, 'utf8'),
  glob: (pattern) => globSync(pattern),
};

/**
 * The tree of a file and everything it includes.
 * @throws MillraceError CONFIG_INVALID with file:line
 */
export function parseConfig(path: string, ruby: RubyEnvironment, files: ConfigFiles): ConfigSection {
  const root: ConfigSection = { name: '', arg: '', params: new Map(), children: [], file: path, line: 1 };
  new Includer(ruby, files).read(path, root, undefined);
  return root;
}

class Includer {
  readonly #ruby: RubyEnvironment;
  readonly #files: ConfigFiles;
  readonly #open: string[] = [];
  #count = 0;
  #characters = 0;

  constructor(ruby: RubyEnvironment, files: ConfigFiles) {
    this.#ruby = ruby;
    this.#files = files;
  }

  /** `from` is the place of the `@include`; undefined for the file named on the command line. */
  read(path: string, into: ConfigSection, from: Place | undefined): void {
    const at = from ?? { file: path, line: 1 };
    if (this.#open.includes(path))
      throw configError(at, `@include: "${path}" includes itself: ${[...this.#open, path].join(' → ')}`);
    if (this.#open.length >= includeDepthMax)
      throw configError(at, `@include: files include each other more than ${includeDepthMax} deep`);
    if (++this.#count > filesMax) throw configError(at, `@include: more than ${filesMax} files`);
    let text: string;
    try {
      text = this.#files.read(path);
    } catch (cause) {
      throw configError(at, `${from ? '@include: ' : ''}"${path}" cannot be read: ${reason(cause)}`);
    }
    this.#characters += text.length;
    if (this.#characters > charactersMax)
      throw configError(at, `the configuration is longer than ${charactersMax} characters`);
    this.#open.push(path);
    parseInto(into, text, path, {
      ruby: this.#ruby,
      include: (target, section, place) => this.#include(target, section, place),
    });
    this.#open.pop();
  }

  #include(target: string, into: ConfigSection, at: Place): void {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target) && !target.startsWith('file://'))
      throw configError(
        at,
        `@include: "${target}" is not a file`,
        'fetch it when the server is set up and include it by its path',
      );
    const name = target.replace(/^file:\/\//, '');
    if (name === '') throw configError(at, '@include: a path is expected');
    const path = isAbsolute(name) ? name : join(dirname(at.file), name);
    if (!/[*?[{]/.test(name)) {
      this.read(path, into, at);
      return;
    }
    let found: string[];
    try {
      found = this.#files.glob(path);
    } catch (cause) {
      throw configError(at, `@include: "${path}": ${reason(cause)}`);
    }
    for (const file of found.toSorted((a, b) => (a < b ? -1 : 1))) this.read(file, into, at);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
};

function reason(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return reasons[code] ?? messageOf(cause);
}
