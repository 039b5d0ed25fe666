import { MillraceError } from '@millrace/core/errors.ts';
import type { Notice } from './pipeline.ts';
import type { Place } from './syntax/tree.ts';

const listedMax = 20;

/** Gathers what is wrong in a whole configuration, so that one run names all of it. */
export class Problems {
  readonly notices: Notice[] = [];
  readonly #errors: MillraceError[] = [];

  notice(at: Place, message: string): void {
    this.notices.push({ file: at.file, line: at.line, message });
  }

  add(error: MillraceError): void {
    this.#errors.push(error);
  }

  /** The result, or undefined after a configuration error, which is kept. Anything else goes on up. */
  attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'CONFIG_INVALID') throw error;
      this.add(error);
      return undefined;
    }
  }

  /** @throws MillraceError CONFIG_INVALID: the one error, or a list, 20 at most, one a line */
  throwIfAny(): void {
    const [first] = this.#errors;
    if (!first) return;
    if (this.#errors.length === 1) throw first;
    const listed = this.#errors.slice(0, listedMax).map((error) => error.message);
    const more = this.#errors.length - listed.length;
    if (more > 0) listed.push(`and ${more} more`);
    const hint = this.#errors.find((error) => error.hint !== undefined)?.hint;
    throw new MillraceError('CONFIG_INVALID', listed.join('\n'), hint === undefined ? {} : { hint });
  }
}
