import { suggest } from '../../config/suggest.ts';
import { queryError, type Span } from '../ast.ts';
import type { PipeField, SortKey } from './pipe.ts';
import type { PipeWord, Stage } from './words.ts';

/** The words after a pipe's name, taken from left to right. `usage` is how the pipe is written. */
export class Arguments {
  readonly name: string;
  readonly at: Span;
  private readonly usage: string;
  private readonly words: readonly PipeWord[];
  private index = 1;

  constructor(stage: Stage, name: string, usage: string) {
    this.words = stage.words;
    this.at = stage.at;
    this.name = name;
    this.usage = usage;
  }

  /** A whole number from 1 to `max` when one stands here. */
  count(max: number): number | undefined {
    const word = this.words[this.index];
    if (word === undefined || !word.plain || !/^[+-]?\d+(\.\d+)?$/.test(word.text)) return undefined;
    const value = Number(word.text);
    if (!Number.isInteger(value) || value < 1 || value > max)
      throw queryError(
        word.at,
        `${this.name} takes a whole number from 1 to ${max}, not ${word.text.slice(0, 32)}`,
        this.hint(),
      );
    this.index++;
    return value;
  }

  /** The width of a bucket when one stands here, milliseconds. */
  span(): number | undefined {
    const word = this.words[this.index];
    if (word === undefined || this.isKeyword('by')) return undefined;
    const [, amount = '', unit = ''] = /^(?:span=)?([1-9]\d{0,5})(ms|s|m|h|d|w)$/.exec(word.text) ?? [];
    const width = Number(amount) * (widths[unit] ?? 0);
    if (width === 0)
      throw queryError(
        word.at,
        `"${word.text.slice(0, 32)}" is no width of time`,
        'write 30s, 1m, 5m, 1h or 1d, or leave it away to have one chosen',
      );
    this.index++;
    return width;
  }

  /** Whether this word, as typed, stands here; then it is passed over. */
  keyword(text: string): boolean {
    if (!this.isKeyword(text)) return false;
    this.index++;
    return true;
  }

  field(): PipeField {
    const word = this.words[this.index];
    if (word === undefined || (word.plain && word.text === ','))
      throw queryError(
        word?.at ?? this.behind(),
        `the name of a field is missing after "${this.words[this.index - 1]?.text.slice(0, 32)}"`,
        this.hint(),
      );
    if (word.text === '') throw queryError(word.at, 'an empty name', this.hint());
    this.index++;
    return { name: word.text, at: word.at };
  }

  /** One name or more, parted by commas. */
  fields(max: number): PipeField[] {
    return this.list(max, () => this.field());
  }

  /** Names with a sign before or a direction behind. */
  sortKeys(max: number): SortKey[] {
    return this.list(max, () => {
      // `-a` is one word, `-"a b"` is two.
      const first = this.words[this.index];
      const sign = first?.plain === true ? (/^[+-]/.exec(first.text)?.[0] ?? '') : '';
      const apart = first?.text === sign && sign !== '';
      if (apart) this.index++;
      const { name, at } = this.field();
      const descending = this.keyword('desc') || (!this.keyword('asc') && sign === '-');
      return { name: apart ? name : name.slice(sign.length), at, descending };
    });
  }

  /** @throws MillraceError QUERY_INVALID for words that were not taken */
  end(): void {
    const word = this.words[this.index];
    if (word === undefined) return;
    const near = word.plain ? suggest(word.text.slice(0, 32), ['by', 'asc', 'desc']) : undefined;
    throw queryError(
      word.at,
      `"${word.text.slice(0, 32)}" is not understood after ${this.name}`,
      near === undefined ? this.hint() : `did you mean "${near}"? ${this.hint()}`,
    );
  }

  private list<T>(max: number, take: () => T): T[] {
    const items = [take()];
    while (this.words[this.index]?.plain === true && this.words[this.index]?.text === ',') {
      const comma = this.words[this.index++];
      if (items.length === max)
        throw queryError(comma?.at ?? this.at, `${this.name} takes ${max} fields at most`, this.hint());
      items.push(take());
    }
    return items;
  }

  private isKeyword(text: string): boolean {
    const word = this.words[this.index];
    return word?.plain === true && word.text.toLowerCase() === text;
  }

  private behind(): Span {
    return { start: this.at.end, end: this.at.end };
  }

  private hint(): string {
    return `write ${this.usage}`;
  }
}

const widths: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
