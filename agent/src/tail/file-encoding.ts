import type { Rule } from '@millrace/core/rule/rule.ts';
import { ruleText } from '@millrace/core/rule/text.ts';
import { markedEncoding, type TextEncoding, textEncoding } from './text-encoding.ts';

/** The encoding that one file turns out to be in, and the rule that travels with its records. */
export class FileEncoding {
  readonly #configuredRule: string;
  readonly #configured: TextEncoding;
  /** Undefined until the first bytes have said it. */
  known: TextEncoding | undefined;
  /** Canonical text. */
  rule: string;

  constructor(label: string | undefined, rule: string) {
    this.#configured = textEncoding(label);
    this.#configuredRule = rule;
    this.rule = rule;
  }

  /** Another content begins. */
  forget(): void {
    this.known = undefined;
    this.rule = this.#configuredRule;
  }

  /**
   * A byte order mark at the start of the file decides, else the configuration. `start`: the file's first bytes, as far
   * as they are known; `more`: others may follow them. Undefined while it is not known.
   */
  decide(start: Buffer, more: boolean): TextEncoding | undefined {
    if (this.known) return this.known;
    const marked = markedEncoding(start);
    if (marked === 'undecided' && more) return undefined;
    this.known = typeof marked === 'string' ? this.#configured : marked;
    if (this.known.label !== this.#configured.label)
      this.rule = ruleInEncoding(this.#configuredRule, this.known.label);
    return this.known;
  }

  endsLine(bytes: Buffer): boolean {
    if (this.known?.unit !== 2) return bytes.at(-1) === 0x0a;
    const last = bytes.subarray(-2);
    return last.length === 2 && this.known.lineEnd(last, 0) === 2;
  }
}

function ruleInEncoding(text: string, label: string | undefined): string {
  const { encoding: _, ...rule }: Rule = JSON.parse(text);
  return ruleText(label === undefined ? rule : { ...rule, encoding: label });
}
