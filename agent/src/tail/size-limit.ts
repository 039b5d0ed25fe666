import type { EdgeStep, Verdict } from '../filter/filter.ts';
import { EdgeProgram } from '../filter/program.ts';
import type { EdgeRecord } from '../filter/record.ts';

/** `max_line_size` for one file: longer records are dropped, all of them, in however many pieces they come. */
export class SizeLimit implements EdgeStep {
  static readonly by = 'max_line_size';
  readonly by = SizeLimit.by;
  readonly #bytesMax: number;
  /** What follows is the rest of a record whose beginning was dropped. */
  dropping: boolean;
  #first = false;
  #lastDropped = false;

  constructor(bytesMax: number, dropping: boolean) {
    this.#bytesMax = bytesMax;
    this.dropping = dropping;
  }

  /** The same decision ahead of a file's filters. */
  before(edge: EdgeProgram | undefined): EdgeProgram {
    return edge?.behind(this) ?? new EdgeProgram([this]);
  }

  /** The next record judged is the one at the file's position. */
  begin(): void {
    this.#first = true;
    this.#lastDropped = false;
  }

  /** Records were taken; `cut`: the last of them goes on behind. */
  taken(cut: boolean): void {
    this.dropping = cut && this.#lastDropped;
  }

  forget(): void {
    this.dropping = false;
  }

  judge(record: EdgeRecord): Verdict {
    const rest = this.#first && this.dropping;
    this.#first = false;
    this.#lastDropped = rest || record.size > this.#bytesMax;
    return this.#lastDropped ? 'drop' : 'keep';
  }
}
