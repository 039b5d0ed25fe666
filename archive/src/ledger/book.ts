import type { Footer } from '@millrace/core/archive/footer.ts';
import type { Mark, MarkException } from '@millrace/core/store/port.ts';
import type { ControlEntry } from '@millrace/core/wire/control.ts';
import { Account, type ObjectFacts } from './account.ts';

/** An agent, by its own words. Times in milliseconds since 1970. */
export interface AgentWords {
  host: string;
  /** Identity of its state folder, hexadecimal. */
  agent: string;
  /** The newest heartbeat; 0 before the first one. */
  heartbeatMs: number;
  intervalMs: number;
  /** It said that it ends in good order. */
  stoppedMs: number;
}

/** Of a mark, what the ledger keeps until its object is met. */
export interface MarkFacts {
  events: number;
  missing: MarkException[];
  /** Set-aside events that it counts and does not name. */
  unnamed: number;
}

export interface BookOptions {
  /** Only this host; absent: all. */
  host?: string | undefined;
  /** Generations at most; sources beyond are counted, not kept. */
  filesMax: number;
}

/** What the footers of one stream say, gathered object by object in any order. */
export class Book {
  readonly #options: BookOptions;
  /** By generation, 16 bytes as latin1. */
  readonly accounts = new Map<string, Account>();
  /** By agent and host. */
  readonly agents = new Map<string, AgentWords>();
  objects = 0;
  unmarkedObjects = 0;
  /** Generations that found no room. */
  readonly overflow = new Set<string>();
  /** Sources whose records did not come from a file or a stream of an agent. */
  foreignSources = 0;
  /** Objects whose writer did not note what agents said. */
  objectsWithoutControl = 0;
  /** Set-aside events that no mark names: whose they are is not known. */
  unnamedSetAside = 0;

  constructor(options: BookOptions) {
    this.#options = options;
  }

  /** `mark`: absent when the store has none. */
  add(object: { key: string; modifiedMs: number; footer: Footer }, mark: MarkFacts | undefined): void {
    const { footer } = object;
    this.objects++;
    if (mark === undefined) this.unmarkedObjects++;
    const facts: ObjectFacts = {
      key: object.key,
      firstMs: footer.capturedFirstMs,
      writtenMs: object.modifiedMs,
      marked: mark !== undefined,
    };
    for (const source of footer.sources) {
      if (!isFile(source.generation)) this.foreignSources++;
      else if (this.#wants(source.host)) {
        const account = this.#account(source.generation, source.host, source.tag);
        account?.named(source.path);
        account?.addSource(source, facts);
      }
    }
    if (footer.control === undefined) this.objectsWithoutControl++;
    for (const { host, agent, entries } of footer.control ?? []) {
      if (this.#wants(host)) this.#control(host, agent, entries);
    }
    this.#marked(mark, object);
  }

  /** An object that was added without its mark has it now. */
  nowMarked(object: { key: string; modifiedMs: number; footer: Footer }, mark: MarkFacts): void {
    const { footer } = object;
    this.unmarkedObjects--;
    const facts = {
      key: object.key,
      firstMs: footer.capturedFirstMs,
      writtenMs: object.modifiedMs,
      marked: true,
    };
    for (const source of footer.sources) {
      if (!isFile(source.generation) || !this.#wants(source.host)) continue;
      this.#account(source.generation, source.host, source.tag)?.addSource(source, facts);
    }
    this.#marked(mark, object);
  }

  #marked(mark: MarkFacts | undefined, object: { key: string; footer: Footer }): void {
    if (mark === undefined) return;
    this.unnamedSetAside += mark.unnamed;
    for (const exception of mark.missing) this.#setAside(exception, object);
  }

  #control(host: string, agent: Uint8Array, entries: ControlEntry[]): void {
    const id = Buffer.from(agent).toString('hex');
    const key = `${id} ${host}`;
    const words = this.agents.get(key) ?? { host, agent: id, heartbeatMs: 0, intervalMs: 0, stoppedMs: 0 };
    this.agents.set(key, words);
    for (const entry of entries) {
      if (entry.kind === 'heartbeat') {
        if (entry.atMs < words.heartbeatMs) continue;
        words.heartbeatMs = entry.atMs;
        words.intervalMs = entry.intervalMs;
      } else if (entry.kind === 'stopped') {
        words.stoppedMs = Math.max(words.stoppedMs, entry.atMs);
      } else if (isFile(entry.generation)) {
        const account = this.#account(entry.generation, host, entry.tag);
        if (account === undefined) continue;
        account.agent = key;
        account.addSighting(entry);
      }
    }
  }

  #account(generation: Uint8Array, host: string, tag: string): Account | undefined {
    const key = Buffer.from(generation.buffer, generation.byteOffset, generation.length).toString('latin1');
    let account = this.accounts.get(key);
    if (account === undefined) {
      if (this.accounts.size >= this.#options.filesMax) {
        if (this.overflow.size < this.#options.filesMax) this.overflow.add(key);
        return undefined;
      }
      account = new Account(generation, host, tag);
      this.accounts.set(key, account);
    }
    return account;
  }

  /** The event id says whose it is and where: generation (16 bytes), offset (6 bytes). */
  #setAside({ id, reason, block, index }: MarkException, object: { key: string; footer: Footer }): void {
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== 26) return;
    const account = this.accounts.get(bytes.toString('latin1', 0, 16));
    const lies = block === undefined ? undefined : object.footer.blocks.find((item) => item.id === block);
    account?.addSetAside({
      id,
      offset: bytes.readUIntBE(16, 6),
      reason,
      object: object.key,
      ...(lies === undefined ? {} : { block: { offset: lies.offset, length: lies.length } }),
      ...(index === undefined ? {} : { index }),
    });
  }

  #wants(host: string): boolean {
    return this.#options.host === undefined || this.#options.host === host;
  }
}

/** Differs when a mark was replaced by another: what it says changes with what it is about. */
export function markSignature({ events, missing, unnamed }: MarkFacts): string {
  return [events, unnamed, missing.length, missing[0]?.id, missing.at(-1)?.id].join(' ');
}

export function markFacts({ events, exceptions, setAside }: Mark): MarkFacts {
  const missing = exceptions.filter(({ outcome }) => outcome === 'missing');
  return { events, missing, unnamed: Math.max(0, (setAside ?? missing.length) - missing.length) };
}

/** UUIDv7: a generation that an agent minted. Version 8 is a record of a foreign producer. */
function isFile(generation: Uint8Array): boolean {
  return (generation[6] ?? 0) >> 4 === 7;
}
