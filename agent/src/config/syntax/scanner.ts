import type { MillraceError } from '@millrace/core/errors.ts';
import { configError, type Place } from './tree.ts';

/** A position in the text of one file. Patterns given to `scan` are sticky (`y`). */
export class Scanner {
  readonly text: string;
  readonly file: string;
  pos = 0;
  #line = 1;
  #linePos = 0;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
  }

  get atEnd(): boolean {
    return this.pos >= this.text.length;
  }

  /** Where the scanner stands. It only moves forward between calls, so that counting lines stays linear. */
  get place(): Place {
    for (; this.#linePos < this.pos; this.#linePos++) if (this.text[this.#linePos] === '\n') this.#line++;
    return { file: this.file, line: this.#line };
  }

  peek(): string {
    return this.text[this.pos] ?? '';
  }

  skip(literal: string): boolean {
    if (!this.text.startsWith(literal, this.pos)) return false;
    this.pos += literal.length;
    return true;
  }

  scan(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.pos;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.pos += match[0].length;
    return match;
  }

  /** The rest of the line, cut for a message. */
  excerpt(): string {
    const line = /[^\r\n]{0,61}/y;
    line.lastIndex = this.pos;
    const text = line.exec(this.text)?.[0].trim() ?? '';
    return text.length > 60 ? `${text.slice(0, 60)}…` : text;
  }

  fail(what: string, hint?: string): MillraceError {
    return configError(this.place, what, hint);
  }
}
