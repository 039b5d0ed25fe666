import type { LedgerRequest } from '@millrace/archive/ledger/ledger.ts';
import type { LedgerReport } from '@millrace/archive/ledger/report.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';

export interface DeskOptions {
  /** Reads a ledger. */
  read(request: LedgerRequest): Promise<LedgerReport>;
  clock: Clock;
  /** An answer this old is read anew, milliseconds. */
  freshMs: number;
}

interface Kept {
  atMs: number;
  report: Promise<LedgerReport>;
}

/** Different questions kept; each may be as large as the ledger. */
const keptMax = 4;
const waitingMax = 8;

/**
 * Reads one ledger at a time and keeps the last few: pages of one answer come from one reading, and many who ask the
 * same cost one. A reading goes on when who asked first has gone away, so that a long one is there the next time.
 */
export class LedgerDesk {
  readonly #options: DeskOptions;
  readonly #kept = new Map<string, Kept>();
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Undefined when too many different questions wait. `question` names the request. */
  ask(question: string, request: LedgerRequest): Promise<LedgerReport> | undefined {
    const { clock, freshMs } = this.#options;
    const known = this.#kept.get(question);
    if (known !== undefined && clock.monotonic() - known.atMs < freshMs) return known.report;
    if (this.#waiting >= waitingMax) return undefined;
    this.#waiting++;
    const report = this.#queue.then(() => this.#options.read(request));
    const kept: Kept = { atMs: Number.POSITIVE_INFINITY, report };
    this.#kept.delete(question);
    this.#kept.set(question, kept);
    this.#queue = report.then(
      () => {
        kept.atMs = clock.monotonic();
        this.#done();
      },
      () => {
        if (this.#kept.get(question) === kept) this.#kept.delete(question);
        this.#done();
      },
    );
    return report;
  }

  #done(): void {
    this.#waiting--;
    for (const [question, { atMs }] of this.#kept) {
      if (this.#kept.size <= keptMax) return;
      if (Number.isFinite(atMs)) this.#kept.delete(question);
    }
  }
}
