import { createHash } from 'node:crypto';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import type { Footer } from '@millrace/core/archive/footer.ts';
import { archiveKey } from '@millrace/core/archive/key.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { eventId } from '@millrace/core/ids/event-id.ts';
import { generationText } from '@millrace/core/ids/generation.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import type { Mark, SearchHit, SearchRequest } from '@millrace/core/store/port.ts';
import type { Exception } from '@millrace/core/wire/block.ts';
import type { ControlEntry, Sighting } from '@millrace/core/wire/control.ts';
import { fakeObjectStore } from '../../testing/fake-object-store.ts';
import { Ledger, type LedgerRequest } from '../ledger.ts';
import type { LedgerReport } from '../report.ts';

export const nowMs = Date.UTC(2026, 10, 22, 18, 30);
export const agent = Buffer.alloc(16, 7);
const host = 'web-1';
const mintedMs = nowMs - 4 * 3_600_000;
/** Every record of these tests. */
const recordBytes = 10;

/** What one block says of a file; records of 10 bytes. */
export interface FileSaid {
  name: string;
  from: number;
  to: number;
  date: string;
  exceptions: Exception[];
}

export function block(name: string, from: number, to: number, date = '2026.11.22'): FileSaid {
  return { name, from, to, date, exceptions: [] };
}

function generationOf(name: string): Buffer {
  const id = createHash('sha256').update(name).digest().subarray(0, 16);
  id.writeUIntBE(mintedMs, 0, 6);
  id[6] = 0x70;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return Buffer.from(id);
}

interface Document {
  index: string;
  generation: string;
  offset: number;
  file: string;
}

/** An archive and a store in memory, as the ledger sees them. */
export class LedgerWorld {
  readonly #objects = new Map<string, { key: string; footer: Footer; modifiedMs: number }>();
  readonly #store = fakeObjectStore();
  #marks: Mark[] = [];
  readonly #files = new Map<string, FileSaid[]>();
  #documents: Document[] = [];
  horizon: string | undefined;
  storeDown = false;
  checksDocuments = true;
  #count = 0;
  /** One ledger for all readings. */
  keep = false;
  /** Called when documents are counted. */
  onCount = () => {};
  readonly searches: SearchRequest[] = [];
  filesMax = 1_000;
  #ledger: Ledger | undefined;
  /** How often every object was read. */
  passes = 0;

  object(
    name: string,
    files: FileSaid[],
    options: {
      marked?: boolean;
      says?: ControlEntry[];
      agoMs?: number;
      agent?: Buffer;
      index?: boolean;
    } = {},
  ): void {
    const modifiedMs = nowMs - (options.agoMs ?? 3_600_000);
    const key = archiveKey({
      prefix: '',
      stream: 'logs',
      hourMs: Math.floor(modifiedMs / 3_600_000) * 3_600_000,
      shard: 'shardId-000000000000',
      firstSequence: String(++this.#count),
      suffix: '01234567',
    });
    const footer: Footer = {
      stream: 'logs',
      blocks: [
        {
          offset: 0,
          length: 100,
          id: createHash('md5').update(name).digest('hex'),
          arrivalMs: modifiedMs,
          sequence: '1',
        },
      ],
      sources: files.map((file) => sourceOf(file)),
      capturedFirstMs: modifiedMs - 60_000,
      capturedLastMs: modifiedMs - 1_000,
      payloadBytes: 0,
      control: options.says ? [{ host, agent: options.agent ?? agent, entries: options.says }] : [],
    };
    this.#objects.set(name, { key, footer, modifiedMs });
    this.#store.objects.set(key, {
      bytes: Buffer.concat([Buffer.alloc(100), encodeFooter(footer)]),
      modifiedMs,
    });
    this.#files.set(name, files);
    if (options.marked === false) return;
    this.mark(name, options.index);
  }

  /** The store has answered for the object. */
  mark(name: string, index = true, refused: number[] = []): void {
    const object = this.#objects.get(name);
    const files = this.#files.get(name) ?? [];
    if (object === undefined || this.#marks.some((mark) => mark.object === object.key)) return;
    const { key } = object;
    const [generation] = object.footer.sources.map((source) => source.generation);
    const exceptions = refused.map((offset) => ({
      id: eventId(generation ?? Buffer.alloc(16), offset, 0),
      reason: 'refused',
      outcome: 'missing' as const,
    }));
    const events = files.reduce((sum, { from, to }) => sum + (to - from) / recordBytes, 0);
    this.#marks.push({ object: key, stream: 'logs', events, indexed: events, exceptions });
    if (index) for (const file of files) this.#index(file);
    for (const offset of refused) this.deleteDocuments(files[0]?.name ?? '', offset, offset + 1);
  }

  seen(
    name: string,
    size: number,
    position: number,
    options: { kind?: Sighting['kind']; agoMs?: number } = {},
  ): Sighting {
    const { kind = 'seen', agoMs = 3_600_000 } = options;
    return {
      kind,
      atMs: nowMs - agoMs,
      generation: generationOf(name),
      path: `/log/${name}`,
      tag: 't',
      size,
      position,
    };
  }

  footerOf(name: string): Footer {
    const object = this.#objects.get(name);
    if (object === undefined) throw new TypeError(`no object ${name}`);
    return object.footer;
  }

  deleteObject(name: string): void {
    const object = this.#objects.get(name);
    if (object) this.#store.objects.delete(object.key);
    this.#objects.delete(name);
  }

  unmark(name: string): void {
    const key = this.#objects.get(name)?.key;
    this.#marks = this.#marks.filter((mark) => mark.object !== key);
  }

  /** The mark says something else than before. */
  replaceMark(name: string, exceptions: Mark['exceptions']): void {
    const key = this.#objects.get(name)?.key;
    this.#marks = this.#marks.map((mark) => (mark.object === key ? { ...mark, exceptions } : mark));
  }

  dropIndex(date: string): void {
    this.#documents = this.#documents.filter(({ index }) => !index.endsWith(date));
  }

  deleteDocuments(name: string, from: number, to: number): void {
    const generation = generationText(generationOf(name));
    this.#documents = this.#documents.filter(
      (item) => item.generation !== generation || item.offset < from || item.offset >= to,
    );
  }

  read(request: Partial<LedgerRequest> = {}): Promise<LedgerReport> {
    const ledger =
      this.#ledger ??
      new Ledger({
        objects: this.#store,
        prefix: '',
        catalog: () => ({ streams: async () => ['logs'], entries: () => this.#entries() }),
        store: {
          marks: async ({ prefix, after = '', size }) => {
            this.#answer();
            const all = this.#marks.filter(({ object }) => object.startsWith(prefix) && object > after);
            return all.sort((a, b) => (a.object < b.object ? -1 : 1)).slice(0, size);
          },
          horizons: async () => new Map(this.horizon === undefined ? [] : [['logs', this.horizon]]),
          generations: async ({ index }) => {
            this.onCount();
            return this.#generations(index);
          },
          search: async (search) => {
            this.searches.push(search);
            return this.#search(search);
          },
        },
        clock: { ...systemClock, now: () => nowMs },
        corrected: async () =>
          new Set(this.checksDocuments ? [] : this.#marks.map(() => generationText(generationOf('x')))),
        filesMax: this.filesMax,
        lookupsMax: 1_000,
        keep: this.keep,
      });
    if (this.keep) this.#ledger = ledger;
    return ledger.read({ sinceMs: nowMs - 24 * 3_600_000, olderThanMs: 600_000, ...request });
  }

  #answer(): void {
    if (this.storeDown) throw new MillraceError('STORE_UNAVAILABLE', 'down');
  }

  async *#entries() {
    this.passes++;
    for (const { key, footer, modifiedMs } of this.#objects.values())
      yield { key, footer, modifiedMs, bytes: 1 };
  }

  #index({ name, from, to, date }: FileSaid): void {
    const generation = generationText(generationOf(name));
    const index = `millrace-logs-${date}`;
    for (let offset = from; offset < to; offset += recordBytes) {
      const there = this.#documents.some((item) => item.generation === generation && item.offset === offset);
      if (!there) this.#documents.push({ index, generation, offset, file: `/log/${name}` });
    }
  }

  #generations(index: string): { generation: string; events: number }[] {
    const counts = new Map<string, number>();
    for (const item of this.#documents) {
      if (item.index === index) counts.set(item.generation, (counts.get(item.generation) ?? 0) + 1);
    }
    return [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([generation, events]) => ({ generation, events }));
  }

  #search({ indices, query, size }: SearchRequest) {
    const [term, range] = (query as { bool: { filter: [object, object] } }).bool.filter;
    const generation = Object.values((term as { term: Record<string, string> }).term)[0];
    const { gte = 0, lt = 0 } =
      Object.values((range as { range: Record<string, { gte: number; lt: number }> }).range)[0] ?? {};
    const all = this.#documents.filter(
      (item) =>
        indices.some((index) => index.includes('*') || index === item.index) &&
        item.generation === generation &&
        item.offset >= gte &&
        item.offset < lt,
    );
    const hits = all.slice(0, size).map(
      ({ offset, file, index }): SearchHit => ({
        id: String(offset),
        index,
        source: {
          message: 'x'.repeat(recordBytes - 1),
          tag: 't',
          host: { name: host },
          log: { offset, file: { path: file } },
        },
        sort: [],
      }),
    );
    return { tookMs: 1, total: { value: all.length, relation: 'eq' as const }, hits };
  }
}

function sourceOf({ name, from, to, date, exceptions }: FileSaid): Footer['sources'][number] {
  return {
    generation: generationOf(name),
    host,
    path: `/log/${name}`,
    tag: 't',
    rule: '{}',
    covered: [{ from, to }],
    exceptions,
    dated: [{ date, from, to, events: (to - from) / recordBytes }],
  };
}
