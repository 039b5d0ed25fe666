import { MillraceError } from '../errors.ts';
import type { Block } from '../wire/block.ts';

/** What all documents of a source hold; below this it is not looked at. */
const unitsFree = 4_096;
/** UTF-16 units that it may come to if all documents of the block held as much. */
const unitsMax = 256 * 1024 * 1024;

/**
 * Guards against blocks whose documents would be far longer than anything that was logged: a kilobyte can hold a
 * million empty lines and a rule that adds 64 KiB to each.
 */
export class RepeatedText {
  readonly #block: Block;
  #records: number | undefined;

  constructor(block: Block) {
    this.#block = block;
  }

  /** RULE_INVALID when `units` in each document of a source are too much. */
  refusal(units: number): MillraceError | undefined {
    if (units <= unitsFree) return undefined;
    this.#records ??= recordsIn(this.#block);
    if (this.#records * units <= unitsMax) return undefined;
    const message = `names and added fields of ${units} characters in a block of ${this.#records} records`;
    return new MillraceError('RULE_INVALID', message, { hint: 'shorten tag, path and added fields' });
  }
}

function recordsIn({ header, payload }: Block): number {
  let records = 0;
  let at = 0;
  for (const run of header.runs) {
    const end = at + run.size;
    records += run.lengths?.length ?? linesIn(payload, at, end);
    at = end + (run.filler ? 1 : 0);
  }
  return records;
}

function linesIn(bytes: Uint8Array, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; lines++) {
    const newline = bytes.indexOf(0x0a, at);
    at = newline < 0 || newline >= to ? to : newline + 1;
  }
  return lines;
}
