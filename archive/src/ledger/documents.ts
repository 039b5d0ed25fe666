import { generationBytes } from '@millrace/core/ids/generation.ts';
import type { Dsl, SearchHit, Store } from '@millrace/core/store/port.ts';
import type { Account } from './account.ts';
import { Coverage, type Interval } from './coverage.ts';
import type { CountedStretch } from './event-counts.ts';
import type { Gap } from './report.ts';

export type LedgerStore = Pick<Store, 'search' | 'generations'>;

export interface DocumentsOptions {
  store: LedgerStore;
  stream: string;
  nowMs: number;
  /** Documents of younger objects may not be visible yet. */
  olderThanMs: number;
  /** Objects that arrived since then were read. */
  sinceMs: number;
  horizon: string | undefined;
  /** Generations whose events a correction has changed: their counts are not the archive's. */
  corrected: ReadonlySet<string>;
  /** Events that marks say are set aside, without saying whose: so many may be short of each file. */
  unnamedSetAside: number;
  /** Questions about single stretches. */
  lookupsMax: number;
}

const pageMax = 10_000;

/**
 * Compares the events that marked objects have with what the indices hold: a dropped index, or documents that somebody
 * deleted, are found by counting ids per generation and day.
 */
export class Documents {
  readonly #options: DocumentsOptions;
  readonly #gone = new Map<Account, Gap[]>();
  /** Generations that only the store knows of, by index. */
  readonly strangers = new Map<string, string>();
  #lookups = 0;
  /** Shortages that were not looked into, because there were too many. */
  skipped = 0;

  constructor(options: DocumentsOptions) {
    this.#options = options;
  }

  /** Without those of days before `horizon`. */
  gone(account: Account, horizon: string | undefined): Gap[] {
    const gaps = this.#gone.get(account) ?? [];
    if (horizon === undefined) return gaps;
    const dateAt = `millrace-${this.#options.stream}-`.length;
    return gaps.filter(({ index = '' }) => {
      const date = index.slice(dateAt);
      return date >= horizon.slice(0, date.length);
    });
  }

  async check(accounts: ReadonlyMap<string, Account>, signal?: AbortSignal): Promise<void> {
    const byDate = new Map<string, Account[]>();
    for (const account of accounts.values()) {
      for (const date of account.dates.keys()) {
        if (!this.#isWhole(account, date)) continue;
        const list = byDate.get(date);
        if (list === undefined) byDate.set(date, [account]);
        else list.push(account);
      }
    }
    for (const [date, list] of byDate) {
      const index = `millrace-${this.#options.stream}-${date}`;
      const held = await this.#held(index, accounts, signal);
      for (const account of list) await this.#compare(account, date, index, held, signal);
    }
  }

  /** Where reading began at the latest: the first offset before `from` that the store has a document of. */
  async firstBefore(generation: string, from: number, signal?: AbortSignal): Promise<number | undefined> {
    if (this.#lookups >= this.#options.lookupsMax) {
      this.skipped++;
      return undefined;
    }
    const hits = await this.#find(generation, { from: 0, to: from }, 1_000, signal);
    const offsets = hits.map(offsetOf).filter((offset) => offset !== undefined);
    return offsets.length === 0 ? undefined : Math.min(...offsets);
  }

  /** Events that the store holds of these bytes; undefined when too much was asked already. */
  async count(
    generation: string,
    part: Interval,
    index?: string,
    signal?: AbortSignal,
  ): Promise<number | undefined> {
    if (this.#lookups >= this.#options.lookupsMax) {
      this.skipped++;
      return undefined;
    }
    this.#lookups++;
    const { total } = await this.#options.store.search(
      { ...this.#request(generation, part, index), size: 0, trackTotal: 2_147_483_647 },
      signal,
    );
    return total.value;
  }

  /** Where a generation that only the store knows of stood, and what of it the store has. `host`: of this one only. */
  async stranger(
    generation: string,
    index: string,
    host?: string,
    signal?: AbortSignal,
  ): Promise<(Interval & { host: string; file: string; tag: string; events: number }) | undefined> {
    if (this.#lookups >= this.#options.lookupsMax) {
      this.skipped++;
      return undefined;
    }
    const all = { from: 0, to: 2 ** 48 };
    const hits = await this.#find(generation, all, pageMax, signal, index, host);
    const stretches = hits.flatMap(stretchOf);
    const [source] = hits.map((hit) => hit.source);
    if (stretches.length === 0 || source === undefined) return undefined;
    return {
      from: Math.min(...stretches.map(({ from }) => from)),
      to: Math.max(...stretches.map(({ to }) => to)),
      host: textAt(source, 'host', 'name'),
      file: textAt(source, 'log', 'file', 'path'),
      tag: textAt(source, 'tag'),
      events: stretches.length,
    };
  }

  /** Whether every object with events of that date was read, so that counts can be compared. */
  #isWhole(account: Account, date: string): boolean {
    const { horizon, sinceMs, corrected } = this.#options;
    if (horizon !== undefined && date < horizon.slice(0, date.length)) return false;
    if (account.uncounted || corrected.has(account.generation)) return false;
    const [year = 0, month = 1, day] = date.split('.').map(Number);
    const startMs = Date.UTC(year, month - 1, day ?? 1);
    return account.mintedMs >= sinceMs || (day !== undefined && startMs >= sinceMs);
  }

  async #held(
    index: string,
    accounts: ReadonlyMap<string, Account>,
    signal?: AbortSignal,
  ): Promise<Map<string, number>> {
    const held = new Map<string, number>();
    let after: string | undefined;
    for (;;) {
      const page = await this.#options.store.generations(
        { index, size: pageMax, ...(after === undefined ? {} : { after }) },
        signal,
      );
      for (const { generation, events } of page) {
        const bytes = Buffer.from(generation, 'base64url');
        if (accounts.has(bytes.toString('latin1'))) held.set(generation, events);
        else if (this.#isNew(bytes)) this.strangers.set(generation, index);
      }
      after = page.at(-1)?.generation;
      if (page.length < pageMax) return held;
    }
  }

  /** A file that was first seen since then, and a while ago: its objects would have been met. */
  #isNew(generation: Buffer): boolean {
    if (generation.length !== generationBytes || (generation[6] ?? 0) >> 4 !== 7) return false;
    const mintedMs = generation.readUIntBE(0, 6);
    const { sinceMs, nowMs, olderThanMs } = this.#options;
    return mintedMs >= sinceMs && mintedMs <= nowMs - olderThanMs && this.strangers.size < 10_000;
  }

  async #compare(
    account: Account,
    date: string,
    index: string,
    held: ReadonlyMap<string, number>,
    signal?: AbortSignal,
  ): Promise<void> {
    const counts = account.dates.get(date);
    if (counts === undefined) return;
    const aside = (account.setAside ?? []).filter(
      (event) => event.index === undefined || event.index === index,
    );
    const present = held.get(account.generation) ?? 0;
    const { nowMs, olderThanMs, unnamedSetAside } = this.#options;
    // Beyond those that an account keeps, which ones they are is not known.
    const unlisted = account.setAsideEvents - (account.setAside?.length ?? 0);
    if (present >= counts.events - aside.length - unnamedSetAside - unlisted) return;
    const settled = counts.stretches.filter(({ writtenMs }) => nowMs - writtenMs >= olderThanMs);
    const short: (Interval & { events: number; writtenMs: number })[] = [];
    for (const stretch of settled) {
      const expected =
        stretch.events - aside.filter(({ offset }) => offset >= stretch.from && offset < stretch.to).length;
      const found = present === 0 ? 0 : await this.count(account.generation, stretch, index, signal);
      if (found === undefined || found >= expected) continue;
      const { writtenMs } = stretch;
      if (found === 0) short.push({ from: stretch.from, to: stretch.to, events: expected, writtenMs });
      else short.push(...(await this.#holes(account, stretch, expected - found, index, signal)));
    }
    for (const part of joined(short)) this.#report(account, index, part);
  }

  #report(account: Account, index: string, part: Interval & { events: number; writtenMs: number }): void {
    const gaps = this.#gone.get(account) ?? [];
    this.#gone.set(account, gaps);
    const { host, path, tag, generation } = account;
    gaps.push({
      cause: 'documents_gone',
      stream: this.#options.stream,
      host,
      file: path,
      tag,
      generation,
      from: part.from,
      to: part.to,
      bytes: part.to - part.from,
      events: part.events,
      sinceMs: part.writtenMs,
      index,
    });
  }

  /** Which bytes of a stretch have no document, by those that are there. */
  async #holes(
    account: Account,
    stretch: CountedStretch,
    events: number,
    index: string,
    signal?: AbortSignal,
  ) {
    const { writtenMs } = stretch;
    const hits = await this.#find(account.generation, stretch, pageMax, signal, index);
    const whole = [{ from: stretch.from, to: stretch.to, events, writtenMs }];
    if (hits.length >= pageMax) return whole;
    const there = new Coverage();
    for (const { from, to } of hits.flatMap(stretchOf)) there.add(from, to, 0, 0);
    const aside = new Map((account.setAside ?? []).map(({ offset, bytes }) => [offset, bytes]));
    for (const [offset, bytes = 0] of aside) there.add(offset, offset + bytes, 0, 0);
    // Of a set-aside record that could not be measured only its beginning is known.
    const holes = there.missing(stretch.from, stretch.to).filter(({ from }) => !aside.has(from));
    // How many events stand in each of several holes is not known: the first one tells them all.
    return holes.map((hole, i) => ({ ...hole, events: i === 0 ? events : 0, writtenMs }));
  }

  async #find(
    generation: string,
    part: Interval,
    size: number,
    signal?: AbortSignal,
    index?: string,
    host?: string,
  ): Promise<SearchHit[]> {
    this.#lookups++;
    const request = { ...this.#request(generation, part, index, host), size, trackTotal: 0 };
    return (await this.#options.store.search(request, signal)).hits;
  }

  #request(generation: string, { from, to }: Interval, index?: string, host?: string) {
    const filter: Dsl[] = [
      { term: { 'event.generation': generation } },
      { range: { 'log.offset': { gte: from, lt: to } } },
      ...(host === undefined ? [] : [{ term: { 'host.name': host } }]),
    ];
    const indices = [index ?? `millrace-${this.#options.stream}-*.*`];
    return { indices, query: { bool: { filter } }, order: 'asc' as const, highlight: false };
  }
}

function joined<T extends Interval & { events: number; writtenMs: number }>(parts: T[]): T[] {
  const merged: T[] = [];
  for (const part of [...parts].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && last.to === part.from) {
      last.to = part.to;
      last.events += part.events;
      last.writtenMs = Math.min(last.writtenMs, part.writtenMs);
    } else merged.push({ ...part });
  }
  return merged;
}

function offsetOf(hit: SearchHit): number | undefined {
  const { log } = hit.source;
  const offset = (log as { offset?: unknown } | undefined)?.offset;
  return typeof offset === 'number' ? offset : undefined;
}

/** The record's bytes: its message and the line feed that is no part of it. */
function stretchOf(hit: SearchHit): Interval[] {
  const from = offsetOf(hit);
  const { message } = hit.source;
  if (from === undefined || typeof message !== 'string') return [];
  return [{ from, to: from + Buffer.byteLength(message) + 1 }];
}

function textAt(source: Record<string, unknown>, ...path: string[]): string {
  let value: unknown = source;
  for (const name of path) value = (value as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}
