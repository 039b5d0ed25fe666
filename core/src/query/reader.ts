import { queryError, type Span } from './ast.ts';

/** A place in a query text. */
export class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  done(): boolean {
    return this.at >= this.text.length;
  }

  /** The next UTF-16 unit, or '' at the end. */
  peek(): string {
    return this.text.charAt(this.at);
  }

  take(): string {
    return this.text.charAt(this.at++);
  }

  ahead(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  skipSpace(): void {
    while (!this.done() && this.spaceAt(this.at)) this.at++;
  }

  spaceAt(at: number): boolean {
    return /\s/.test(this.text.charAt(at));
  }

  /** Whether a word ends before `at`: at the end, a space, a closing parenthesis or a pipe. */
  boundaryAt(at: number): boolean {
    return at >= this.text.length || this.text[at] === ')' || this.spaceAt(at) || this.pipeAt(at);
  }

  /** Whether a pipe begins at `at`: a `|` alone, for two of them mean OR, or are text within a word. */
  pipeAt(at: number): boolean {
    const { text } = this;
    return text[at] === '|' && text[at + 1] !== '|' && text[at - 1] !== '|';
  }

  /** The next character, or the empty stretch at the end. */
  here(): Span {
    return { start: this.at, end: Math.min(this.at + 1, this.text.length) };
  }

  /** The end of a boost such as `^2` or `^0.5` that stands here and ends its word. */
  boost(): number | undefined {
    if (this.peek() !== '^') return undefined;
    const match = /^\^\d+(?:\.\d+)?/.exec(this.text.slice(this.at, this.at + 32));
    if (match === null || !this.boundaryAt(this.at + match[0].length)) return undefined;
    return this.at + match[0].length;
  }
}

/**
 * The character that the escape at `reader` stands for: `\uXXXX`, or the one after the backslash. Half a surrogate
 * pair is no character and becomes U+FFFD, as it does in what is indexed.
 */
export function escapedAt(reader: Reader): string {
  const start = reader.at;
  reader.at++;
  if (reader.done())
    throw queryError(start, 'nothing follows the backslash', 'write \\\\ to search for a backslash');
  const unicode = /^u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})|^u([\da-f]{4})/i.exec(
    reader.text.slice(reader.at, reader.at + 11),
  );
  if (unicode === null) return reader.take();
  reader.at += unicode[0].length;
  const units = unicode.slice(1).filter((unit) => unit !== undefined);
  return String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16))).toWellFormed();
}
