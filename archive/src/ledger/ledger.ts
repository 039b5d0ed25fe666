import { isMillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';
import type { Catalog, CatalogProblem } from '../catalog.ts';
import type { ObjectStore } from '../object-store.ts';
import type { Account } from './account.ts';
import { agentStates, isSilent } from './agents.ts';
import type { AgentWords, Book } from './book.ts';
import { Documents, type LedgerStore } from './documents.ts';
import { type GapContext, type LostObject, settle } from './gaps.ts';
import { type Gathered, Gatherer } from './gather.ts';
import { Beginnings, lostFiles, lostWithoutHole, tellSearchable } from './lost.ts';
import type { Gap, LedgerReport } from './report.ts';
import { lookUpSetAside, setAsideBytes, setAsideOf } from './set-aside.ts';

export interface LedgerOptions {
  objects: ObjectStore;
  /** Archive prefix. */
  prefix: string;
  /** Its problems are given to `onProblem` of the ledger. */
  catalog(onProblem: (problem: CatalogProblem) => void): Pick<Catalog, 'entries' | 'streams'>;
  store: LedgerStore & Pick<Store, 'marks' | 'horizons'>;
  clock: Clock;
  /** Generations whose events corrections have changed or erased. */
  corrected(stream: string, signal?: AbortSignal): Promise<ReadonlySet<string>>;
  /** Generations of one stream at most. */
  filesMax: number;
  /** Questions to the store about single files, for each stream. */
  lookupsMax: number;
  /** What objects say is kept for the next reading. */
  keep: boolean;
}

export interface LedgerRequest {
  /** One stream; absent: all. */
  stream?: string | undefined;
  host?: string | undefined;
  /** A path, or a pattern with `*`. */
  file?: string | undefined;
  /** Objects that arrived since then, milliseconds since 1970. */
  sinceMs: number;
  /** What is missing for less long is on its way. */
  olderThanMs: number;
}

export type MarksReader = Pick<Store, 'marks'>;

/**
 * The ledger (D8): what agents saw, what the archive has, what the store has answered for, and what the indices hold,
 * put together from footers, marks, control entries and counts. With `keep` the next reading goes on from the last one.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  /** By stream. */
  readonly #gatherers = new Map<string, Gatherer>();
  readonly #beginnings = new Beginnings();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** @throws MillraceError ARCHIVE_UNAVAILABLE, STORE_UNAVAILABLE: half a ledger would look like gaps */
  async read(request: LedgerRequest, signal?: AbortSignal): Promise<LedgerReport> {
    const { clock } = this.#options;
    const nowMs = clock.now();
    const report: LedgerReport = {
      at_ms: nowMs,
      from_ms: request.sinceMs,
      objects: 0,
      files: [],
      gaps: [],
      in_flight: [],
      agents: [],
      set_aside: [],
      older_than_ms: request.olderThanMs,
      incomplete: [],
    };
    const horizons = await this.#options.store.horizons(signal);
    const agents = new Map<string, AgentWords>();
    for (const stream of await this.#streams(request, signal)) {
      const gathered = await this.#gatherer(stream, request.host).gather(request.sinceMs, nowMs, signal);
      // Something may be gone that was there when it was asked where files begin.
      if (gathered.anew) this.#beginnings.forget();
      const part = new StreamLedger(
        this.#options,
        request,
        stream,
        nowMs,
        horizons.get(stream),
        gathered,
        this.#beginnings,
      );
      await part.read(report, agents, signal);
    }
    report.agents = agentStates([...agents.values()], nowMs, request.olderThanMs);
    report.files.sort((a, b) => compare(a.host, b.host) || compare(a.file, b.file) || a.from - b.from);
    report.gaps.sort((a, b) => a.sinceMs - b.sinceMs);
    return report;
  }

  #gatherer(stream: string, host: string | undefined): Gatherer {
    const { keep, filesMax } = this.#options;
    const known = this.#gatherers.get(stream);
    if (known !== undefined) return known;
    const book = { filesMax, ...(keep || host === undefined ? {} : { host }) };
    const gatherer = new Gatherer({ ...this.#options, book }, stream);
    if (keep) this.#gatherers.set(stream, gatherer);
    return gatherer;
  }

  /** Streams that have objects, or marks of objects that are gone. */
  async #streams({ stream }: LedgerRequest, signal?: AbortSignal): Promise<string[]> {
    if (stream !== undefined) return [stream];
    const { store, prefix } = this.#options;
    const names = new Set(await this.#options.catalog(() => {}).streams(signal));
    const root = `${prefix}archive/`;
    let after: string | undefined;
    for (;;) {
      const [mark] = await store.marks(
        { prefix: root, size: 1, ...(after === undefined ? {} : { after }) },
        signal,
      );
      if (mark === undefined) return [...names].sort();
      names.add(mark.stream);
      // "0" comes right behind "/".
      after = `${root}${mark.stream}0`;
    }
  }
}

/** One reading of one stream. */
class StreamLedger {
  readonly #options: LedgerOptions;
  readonly #request: LedgerRequest;
  readonly #stream: string;
  readonly #nowMs: number;
  readonly #horizon: string | undefined;
  readonly #book: Book;
  readonly #lost: LostObject[];
  readonly #beginnings: Beginnings;
  readonly #unreadable: ReadonlyMap<string, string>;

  constructor(
    options: LedgerOptions,
    request: LedgerRequest,
    stream: string,
    nowMs: number,
    horizon: string | undefined,
    { book, lost, unreadable }: Gathered,
    beginnings: Beginnings,
  ) {
    this.#beginnings = beginnings;
    this.#options = options;
    this.#request = request;
    this.#stream = stream;
    this.#nowMs = nowMs;
    this.#horizon = horizon;
    this.#book = book;
    this.#lost = lost;
    this.#unreadable = unreadable;
  }

  async read(report: LedgerReport, agents: Map<string, AgentWords>, signal?: AbortSignal): Promise<void> {
    const { olderThanMs } = this.#request;
    const book = this.#book;
    for (const [key, why] of this.#unreadable) report.incomplete.push(`${key}: ${why}`);
    const { host } = this.#request;
    newestWords(
      agents,
      [...book.agents.values()].filter((words) => host === undefined || words.host === host),
    );
    await lookUpSetAside(this.#options.objects, book.accounts.values(), signal);
    const documents = await this.#documents(signal);
    // Retention moves the horizon, then deletes: what it has deleted meanwhile is no gap.
    const horizon = (await this.#options.store.horizons(signal)).get(this.#stream) ?? this.#horizon;
    const { sinceMs } = this.#request;
    const times = { sinceMs, oldMs: this.#nowMs - olderThanMs };
    const began = await this.#beginnings.of(book.accounts.values(), documents, times, signal);
    const context: GapContext = {
      stream: this.#stream,
      nowMs: this.#nowMs,
      olderThanMs,
      lost: this.#lost,
      horizon,
      isSilent: (agent) => {
        const words = book.agents.get(agent);
        return words !== undefined && isSilent(words, [...book.agents.values()], this.#nowMs, olderThanMs);
      },
      began: (account) => began.get(account),
      gone: (account) => documents.gone(account, horizon),
      setAsideBytes,
    };
    const gaps: Gap[] = [];
    for (const account of book.accounts.values()) {
      if (!matches(account, this.#request)) continue;
      const settled = settle(account, context);
      report.files.push(settled.file);
      addAll(gaps, settled.gaps);
      addAll(report.in_flight, settled.inFlight);
      addAll(report.set_aside, setAsideOf(account, this.#stream));
    }
    const { file } = this.#request;
    if (file === undefined) {
      const of = { stream: this.#stream, host, nowMs: this.#nowMs };
      addAll(gaps, await lostFiles(documents, this.#lost, of, signal));
    }
    await tellSearchable(gaps, documents, signal);
    if (file === undefined && host === undefined)
      addAll(gaps, lostWithoutHole(this.#stream, this.#lost, gaps));
    addAll(report.gaps, gaps);
    report.objects += book.objects;
    this.#tellWhatIsMissing(report, documents);
  }

  async #documents(signal?: AbortSignal): Promise<Documents> {
    const { store, lookupsMax, corrected } = this.#options;
    const { sinceMs, olderThanMs } = this.#request;
    const documents = new Documents({
      store,
      stream: this.#stream,
      nowMs: this.#nowMs,
      olderThanMs,
      sinceMs,
      horizon: this.#horizon,
      unnamedSetAside: this.#book.unnamedSetAside,
      corrected: await corrected(this.#stream, signal),
      lookupsMax,
    });
    await documents.check(this.#book.accounts, signal);
    return documents;
  }

  #tellWhatIsMissing(report: LedgerReport, documents: Documents): void {
    const tell = (count: number, what: string) => {
      if (count > 0) report.incomplete.push(`${this.#stream}: ${count} ${what}`);
    };
    tell(this.#book.overflow.size, 'files found no room in the ledger; ask for a host or a shorter time');
    tell(this.#book.objectsWithoutControl, 'objects without notes of what agents said');
    tell(this.#book.unnamedSetAside, 'events set aside that their marks do not name');
    tell(documents.skipped, 'questions about single files were not asked, there were too many');
  }
}

/** Not `push(...items)`: a hundred thousand arguments are more than the stack holds. */
function addAll<T>(to: T[], items: readonly T[]): void {
  for (const item of items) to.push(item);
}

function newestWords(agents: Map<string, AgentWords>, said: Iterable<AgentWords>): void {
  for (const words of said) {
    const key = `${words.agent} ${words.host}`;
    const known = agents.get(key);
    if (known === undefined) agents.set(key, { ...words });
    else {
      if (words.heartbeatMs > known.heartbeatMs) known.intervalMs = words.intervalMs;
      known.heartbeatMs = Math.max(known.heartbeatMs, words.heartbeatMs);
      known.stoppedMs = Math.max(known.stoppedMs, words.stoppedMs);
    }
  }
}

function matches(account: Account, { host, file }: LedgerRequest): boolean {
  if (host !== undefined && account.host !== host) return false;
  if (file === undefined) return true;
  if (!file.includes('*')) return account.paths.includes(file);
  const escaped = file.split(/\*+/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`^${escaped.join('.*')}$`, 's');
  return account.paths.some((path) => pattern.test(path));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a ledger could not be read for now. */
export function isForNow(error: unknown): boolean {
  return isMillraceError(error, 'ARCHIVE_UNAVAILABLE') || isMillraceError(error, 'STORE_UNAVAILABLE');
}
