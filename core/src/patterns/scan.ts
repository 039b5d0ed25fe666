import { between, bits, digit, slash, space } from './characters.ts';
import { maskedWord } from './mask-word.ts';
import { isSpoken, quotationAt } from './quotation.ts';
import { timeEnd } from './times.ts';

/** A line as its words, what varies in them masked, and what stands between. */
export interface MaskedLine {
  /** A word with a `<` in it is or holds a mask: lines have no `<` within words. */
  words: string[];
  /** Before the first word, between each two, and after the last: one more than words. White space is one blank. */
  gaps: string[];
  /** The same for lines of the same words and gaps, and for no others. */
  key: string;
}

export interface ScanLimits {
  /** Words looked at; the rest of a line is `<rest>`. */
  wordsMax: number;
  /** UTF-16 units of a message looked at. */
  unitsMax: number;
}

export const scanLimits: ScanLimits = { wordsMax: 100, unitsMax: 4_096 };

/** Words and masks of a message, in one pass over what is looked at of it. */
export function scan(message: string, limits: ScanLimits = scanLimits): MaskedLine {
  const scanner = new Scanner(message, limits);
  scanner.run(0, Math.min(message.length, limits.unitsMax));
  return scanner.result();
}

const newline = 0x0a;
const doubleQuote = 0x22;
const singleQuote = 0x27;
const openBrace = 0x7b;

class Scanner {
  readonly text: string;
  readonly limits: ScanLimits;
  readonly isJson: boolean;
  readonly words: string[] = [];
  readonly gaps: string[] = [];
  key = '';
  gap = '';
  full = false;

  constructor(text: string, limits: ScanLimits) {
    this.text = text;
    this.limits = limits;
    this.isJson = text.charCodeAt(0) === openBrace;
  }

  result(): MaskedLine {
    this.gap = this.gap.trimEnd();
    return { words: this.words, gaps: [...this.gaps, this.gap], key: this.key + this.gap };
  }

  run(from: number, to: number): void {
    const { text } = this;
    let at = from;
    while (at < to && !this.full) {
      const unit = text.charCodeAt(at);
      const kind = between[unit];
      if (kind === space) {
        at = unit === newline ? this.#line(at, to) : at + 1;
        if (!this.gap.endsWith(' ')) this.gap += ' ';
      } else if (unit === doubleQuote || unit === singleQuote) {
        at = this.#quotation(at, to);
      } else if (kind !== 0) {
        this.gap += text[at++];
      } else {
        at = this.#word(at, to);
      }
    }
    // What was looked at may end within a word.
    if (to < text.length && to === this.limits.unitsMax && !this.full) this.#rest();
  }

  /** Behind a line's end and the indented lines that follow it, stack frames mostly. */
  #line(newlineAt: number, to: number): number {
    let at = newlineAt + 1;
    while (at < to && isBlank(this.text.charCodeAt(at))) {
      const end = this.text.indexOf('\n', at);
      at = end < 0 || end >= to ? to : end + 1;
    }
    if (at > newlineAt + 1) {
      this.#blank();
      this.#push('<lines>');
    }
    return at;
  }

  #blank(): void {
    if (!this.gap.endsWith(' ')) this.gap += ' ';
  }

  #quotation(at: number, to: number): number {
    const found = quotationAt(this.text, at, to);
    if (found === undefined) {
      this.gap += this.text[at];
      return at + 1;
    }
    const { close, isName, isOneWord } = found;
    const quote = this.text.charAt(at);
    this.gap += quote;
    if (isName) this.#push(this.text.slice(at + 1, close));
    else if (isSpoken(this.text, at, this.words.at(-1), this.gap) || (isOneWord && this.isJson))
      this.run(at + 1, close);
    else if (close > at + 1) this.#push('<str>');
    this.gap += quote;
    return close + 1;
  }

  #word(start: number, to: number): number {
    const { text } = this;
    const first = bits[text.charCodeAt(start)] ?? 0;
    const timed = timeEnd(text, start, first === digit, to);
    if (timed !== undefined) {
      this.#push('<time>');
      return timed;
    }
    let kinds = 0;
    let at = start;
    for (let kind = first; kind !== 0; kind = at < to ? (bits[text.charCodeAt(at)] ?? 0) : 0) {
      kinds |= kind;
      at++;
    }
    if (at === this.limits.unitsMax && at < text.length) {
      this.#rest();
      return at;
    }
    if ((kinds & slash) !== 0) {
      const placeEnd = placeEndAt(text, start, at, to);
      if (placeEnd !== undefined) {
        this.#push(first === slash ? '<path>' : '<url>');
        return placeEnd;
      }
    }
    // Punctuation at a word's end is none of the word's: "closed." is closed.
    let end = at;
    while (end > start && isEnding(text.charCodeAt(end - 1))) end--;
    if (end > start) this.#push(maskedWord(text.slice(start, end), kinds));
    this.gap += text.slice(end, at);
    return at;
  }

  #push(word: string): void {
    if (this.words.length >= this.limits.wordsMax - 1) {
      this.#rest();
      return;
    }
    this.#add(word);
  }

  #rest(): void {
    this.full = true;
    this.#add('<rest>');
  }

  #add(word: string): void {
    // Gaps hold no control characters: masks and words cannot be mistaken for each other in the key.
    this.key += word.includes('<') ? `${this.gap}\u0001${word}\u0002` : `${this.gap}\u0002${word}\u0002`;
    this.gaps.push(this.gap);
    this.words.push(word);
    this.gap = '';
  }
}

/** An address of a page, or a path with a query, goes on over `=`, `,` and the like. */
function placeEndAt(text: string, start: number, at: number, to: number): number | undefined {
  place.lastIndex = start;
  return place.test(text) && place.lastIndex >= at && place.lastIndex <= to ? place.lastIndex : undefined;
}

const place = /(?:[A-Za-z][A-Za-z0-9+.-]{0,20}:\/\/|\/[^\s"'<>()[\]{}?=,;]*\?)[^\s"'<>()[\]{}]*/y;

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}

/** `' : . ! ?` */
function isEnding(unit: number): boolean {
  return unit === 0x3a || unit === 0x2e || unit === 0x21 || unit === 0x3f || unit === singleQuote;
}
