import {
  appendFileSync,
  copyFileSync,
  existsSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import type { VirtualTime } from './virtual-clock.ts';
import { tellWatchers } from './virtual-watch.ts';

/** A whole line that was written. */
export interface Line {
  text: string;
  /** What was written of it first, when it came in two pieces. */
  begun: string;
  /** Virtual time of its end. */
  writtenAt: number;
}

/** One life of a file's content. */
export interface Content {
  lines: Line[];
  /** A line that was begun at the end. */
  begun: string;
  /** Virtual time since when it has been under a name that the agent's pattern matches; undefined: it is not. */
  visibleSince: number | undefined;
  /** Virtual time of its first byte: before that there is nothing to know it by. */
  begunAt: number;
}

/** A line of the banner that every life begins with in some runs: it proves nothing, and is not counted. */
export const bannerLine = 'the same in every life of every file';
const bannerLines = 40;

const jiffyMs = 4;

/** The files of a model run: what the real ones hold, with times of the virtual clock. */
export class ModelFiles {
  readonly #dir: string;
  readonly #time: VirtualTime;
  readonly #banner: string;
  readonly contents = new Map<string, Content>();
  /** Contents that no name leads to any more. */
  readonly destroyed: Content[] = [];
  readonly written: Line[] = [];
  /** Beginnings of lines that were never ended: they may be there, or not. */
  readonly fragments = new Set<string>();
  #count = 0;

  /** `alike`: every life begins with the same banner, longer than what a file is proven by. */
  constructor(dir: string, time: VirtualTime, alike: boolean) {
    this.#dir = dir;
    this.#time = time;
    this.#banner = alike ? `${bannerLine}\n`.repeat(bannerLines) : '';
  }

  names(expression: RegExp): string[] {
    return [...this.contents.keys()].filter((name) => expression.test(name));
  }

  /** Writes some lines, and sometimes the beginning of another. */
  write(name: string): void {
    const { random } = this.#time;
    const content = this.#at(name);
    let text = content.lines.length === 0 && content.begun === '' ? this.#banner : '';
    for (let n = Math.ceil(random() * 8); n > 0; n--) {
      const rest = content.begun === '' ? this.#text(name) : 'ished';
      text += `${rest}\n`;
      this.#note(content, rest);
    }
    if (random() < 0.25) {
      content.begun = `${this.#text(name)} unfin`;
      text += content.begun;
    }
    content.begunAt = Math.min(content.begunAt, this.#time.elapsedMs);
    appendFileSync(this.#path(name), text);
    this.#touch(name);
  }

  /** Ends the line that was begun. */
  finish(name: string): void {
    const content = this.contents.get(name);
    if (content === undefined || content.begun === '') return;
    appendFileSync(this.#path(name), 'ished\n');
    this.#note(content, 'ished');
    this.#touch(name);
  }

  rename(from: string, to: string): boolean {
    const content = this.contents.get(from);
    if (content === undefined || existsSync(this.#path(to))) return false;
    renameSync(this.#path(from), this.#path(to));
    this.#tell(to);
    this.contents.delete(from);
    this.contents.set(to, content);
    if (!isMatched(to)) content.visibleSince = undefined;
    else content.visibleSince ??= this.#time.elapsedMs;
    this.#touchFolder();
    return true;
  }

  /** Copies; both names then lead to the same lines. */
  copy(from: string, to: string): Content | undefined {
    const content = this.contents.get(from);
    if (content === undefined) return undefined;
    copyFileSync(this.#path(from), this.#path(to));
    if (content.begun !== '') this.fragments.add(content.begun);
    const now = this.#time.elapsedMs;
    const copy = { lines: [...content.lines], begun: '', visibleSince: now, begunAt: now };
    this.contents.set(to, copy);
    this.#touch(to);
    return copy;
  }

  truncate(name: string): void {
    const content = this.contents.get(name);
    if (content === undefined) return;
    truncateSync(this.#path(name));
    this.#destroy(name, content);
    const { visibleSince } = content;
    this.contents.set(name, { lines: [], begun: '', visibleSince, begunAt: Number.POSITIVE_INFINITY });
    this.#touch(name);
  }

  remove(name: string): void {
    const content = this.contents.get(name);
    if (content === undefined) return;
    this.#tell(name);
    rmSync(this.#path(name));
    this.#destroy(name, content);
    this.#touchFolder();
  }

  #at(name: string): Content {
    const known = this.contents.get(name);
    if (known) return known;
    const now = this.#time.elapsedMs;
    const content = { lines: [], begun: '', visibleSince: now, begunAt: now };
    this.contents.set(name, content);
    return content;
  }

  #destroy(name: string, content: Content): void {
    if (content.begun !== '') this.fragments.add(content.begun);
    this.contents.delete(name);
    this.destroyed.push(content);
  }

  #note(content: Content, rest: string): void {
    const { begun } = content;
    content.begun = '';
    const line = { text: begun + rest, begun, writtenAt: this.#time.elapsedMs };
    content.lines.push(line);
    this.written.push(line);
  }

  #text(name: string): string {
    const length = this.#time.random() ** 4 * 3_000;
    const count = this.#count++;
    // No stretch of two lines is the same: a log's lines have times.
    return `${name} ${count} ${`${count}.`.repeat(length).slice(0, length)}`;
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }

  /** As the kernel would have stamped it, had virtual time been real. */
  #touch(name: string): void {
    utimesSync(this.#path(name), this.#stamp, this.#stamp);
    this.#tell(name);
    this.#touchFolder();
  }

  #tell(name: string): void {
    tellWatchers(statSync(this.#path(name)).ino);
  }

  #touchFolder(): void {
    utimesSync(this.#dir, this.#stamp, this.#stamp);
    tellWatchers(statSync(this.#dir).ino);
  }

  get #stamp(): number {
    return (Math.floor(this.#time.now / jiffyMs) * jiffyMs) / 1000;
  }
}

/** Whether the agent's globs match a name. */
export function isMatched(name: string): boolean {
  return /^[^.]*\.log(\.[0-9][^/]*)?$/.test(name);
}
