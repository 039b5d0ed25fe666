import { isAscii } from 'node:buffer';
import { filterNotes, mayHoldToken, readsEscapes } from '../archive/token-filter.ts';
import { asciiPattern, bytePattern, isAsciiText } from '../query/byte-pattern.ts';
import type { Fragment, Needed } from '../query/fragments.ts';
import type { Pruner } from '../query/prune.ts';
import { lowercase } from '../query/tokenize.ts';
import { parseRule } from '../rule/rule.ts';
import { type Fidelity, fidelityOf, type TextFidelity, unfaithful } from './fidelity.ts';

type Place = Needed['place'];

/** What the bytes of one source's records tell of the texts in its documents. */
export class SourceText {
  readonly fidelity: Fidelity;
  /** What a document may have that its record has not: added fields, and names in a container's path. */
  readonly #added: string;
  readonly #tests = new Map<string, RegExp>();

  constructor(rule: string, path: string) {
    this.fidelity = fidelityOfText(rule);
    this.#added = lowercase(`${rule}\n${path}`);
  }

  /** How the text in a place comes from the record's, as far as this fragment is concerned. */
  of(fragment: Fragment, place: Place): TextFidelity {
    if (place.in === 'message') return this.fidelity.message;
    if (this.#added.includes(fragment.text)) return nothing;
    return place.in === 'known' ? this.fidelity.known : this.fidelity.field(place.name);
  }

  /**
   * False: no text made of these bytes, whole records read as Latin-1, holds the fragment there. Records of several lines
   * that are joined are for the caller to know.
   */
  mayHold(text: string, fragment: Fragment, place: Place): boolean {
    if (!this.of(fragment, place).bytes) return true;
    const key = `${fragment.number ? 'n' : 't'}${fragment.text}`;
    let test = this.#tests.get(key);
    if (test === undefined) {
      test = new RegExp(this.#alternatives(fragment, false).join('|'), 'i');
      this.#tests.set(key, test);
    }
    return test.test(text);
  }

  /** False: no record whose tokens are in the filter makes a document that holds the fragment there. */
  mayHoldIn(filter: Uint8Array, fragment: Fragment, place: Place): boolean {
    const { escapes, numbers, joins, cuts } = this.fidelity;
    // A filter of before knows neither what stands behind escapes nor where records end that end no line.
    if (!fragment.whole || !readsEscapes(filter) || !this.of(fragment, place).tokens) return true;
    if (fragment.number && numbers) return true;
    const noted = (note: keyof typeof filterNotes) => mayHoldToken(filter, filterNotes[note]);
    if ((joins && noted('joined')) || (cuts && noted('long'))) return true;
    if ((escapes === 'json' && noted('deep')) || (escapes === 'logfmt' && noted('odd'))) return true;
    return mayHoldToken(filter, fragment.text);
  }

  /** Finds where a hit's record may be; undefined where any record may be one. */
  finderOf(anchors: Pruner['anchors']): ByteFinder | undefined {
    if (anchors?.every(({ fragment, place }) => this.of(fragment, place).bytes) !== true) return undefined;
    const all = new Set(anchors.flatMap(({ fragment }) => this.#alternatives(fragment, false)));
    const ascii = new Set(anchors.flatMap(({ fragment }) => this.#alternatives(fragment, true)));
    return new ByteFinder([...all].join('|'), [...ascii].join('|'));
  }

  #alternatives(fragment: Fragment, ascii: boolean): string[] {
    const { escapes, numbers } = this.fidelity;
    const written = ascii ? asciiPattern(fragment.text) : bytePattern(fragment.text);
    return [
      ...(written === undefined ? [] : [written]),
      // Behind a backslash may stand the number of a character.
      ...(escapes === 'logfmt' ? ['\\\\[\\w\\x80-\\xff]'] : []),
      ...(escapes === 'json' ? [isAsciiText(fragment.text) ? asciiEscape : anyEscape] : []),
      ...(fragment.number && numbers ? ['[0-9]e[+-]?[0-9]'] : []),
    ];
  }
}

const nothing: TextFidelity = { bytes: false, tokens: false };
/** Numbers of ASCII's letters and digits, of \u0130 and of the Kelvin sign, which are i and k in lower case. */
const asciiEscape = '\\\\u(?:00(?:3[0-9]|[46][1-9a-f]|5[0-9af]|7[0-9a])|0130|212a)';
/** Those that writers of JSON escape for safety are none of a token. */
const anyEscape = '\\\\u(?!00[0-2][0-9a-f]|003[c-f]|2028|2029)';

const fidelities = new Map<string, Fidelity>();
const fidelitiesMax = 1_024;

function fidelityOfText(rule: string): Fidelity {
  let fidelity = fidelities.get(rule);
  if (fidelity === undefined) {
    fidelity = readFidelity(rule);
    if (fidelities.size >= fidelitiesMax) fidelities.clear();
    fidelities.set(rule, fidelity);
  }
  return fidelity;
}

function readFidelity(rule: string): Fidelity {
  try {
    return fidelityOf(parseRule(rule));
  } catch {
    // No document can be made by it, which whoever tries is told.
    return unfaithful;
  }
}

/** Bytes that are looked at at once: what V8 collects young, not as part of its whole heap. */
const windowBytes = 64 * 1024;
const newline = 0x0a;

/** Finds places in bytes, window after window of whole lines. */
export class ByteFinder {
  readonly #any: RegExp;
  readonly #ascii: RegExp | undefined;

  /** `ascii`: of a pattern that is quicker, for bytes of ASCII; '' finds nothing there. */
  constructor(any: string, ascii: string) {
    this.#any = new RegExp(any, 'gi');
    this.#ascii = ascii === '' ? undefined : new RegExp(ascii, 'gi');
  }

  /** Calls `found` with a place within each match in `bytes[from, to)`, in order; it answers where to go on. */
  find(bytes: Buffer, from: number, to: number, found: (at: number) => number): void {
    for (let start = from; start < to; ) {
      const end = windowEnd(bytes, start, to);
      start = this.#findIn(bytes.subarray(start, end), start, found);
    }
  }

  /** Where to go on. */
  #findIn(window: Buffer, start: number, found: (at: number) => number): number {
    const pattern = isAscii(window) ? this.#ascii : this.#any;
    const end = start + window.length;
    if (pattern === undefined) return end;
    const text = window.toString('latin1');
    pattern.lastIndex = 0;
    while (pattern.test(text)) {
      const next = found(start + pattern.lastIndex - 1);
      if (next >= end) return next;
      pattern.lastIndex = next - start;
    }
    return end;
  }
}

/** Behind the last line that ends in a window, or the first that ends beyond it. */
function windowEnd(bytes: Buffer, start: number, to: number): number {
  if (to - start <= windowBytes) return to;
  const last = bytes.lastIndexOf(newline, start + windowBytes - 1);
  if (last >= start) return last + 1;
  const first = bytes.indexOf(newline, start + windowBytes);
  return first < 0 || first >= to ? to : first + 1;
}
