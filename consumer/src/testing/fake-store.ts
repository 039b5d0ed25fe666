import { MillraceError } from '@millrace/core/errors.ts';
import type { BulkResult, Store } from '@millrace/core/store/port.ts';
import { unusedStore } from '@millrace/core/testing/unused-store.ts';

/** One document as a bulk body carried it. */
export interface SentDocument {
  index: string;
  id: string;
  source: Record<string, unknown>;
  /** By an `index` action: takes the place of one that is there. */
  replaces: boolean;
}

/** How the store answers one bulk: results, or what it throws. */
export type BulkAnswer = (documents: SentDocument[], body: string) => BulkResult[] | Promise<BulkResult[]>;

export interface FakeStore extends Store {
  /** Documents held, by index and id. */
  held: Map<string, SentDocument>;
  /** The bulks received, in order. */
  bulks: SentDocument[][];
  /** Bulks under way at most at a time. */
  concurrent: number;
  /** How the next bulks are answered, one each; then `answer`. */
  script: BulkAnswer[];
  answer: BulkAnswer;
}

/** A store in memory whose answers a test decides. */
export function fakeStore(): FakeStore {
  let underWay = 0;
  const store: FakeStore = {
    ...unusedStore(),
    held: new Map(),
    bulks: [],
    concurrent: 0,
    script: [],
    answer: (documents) => hold(store, documents),
    async bulkCreate(body, count) {
      const text = body.toString();
      const documents = sentDocuments(text);
      if (documents.length !== count) throw new TypeError(`${documents.length} documents, not ${count}`);
      store.bulks.push(documents);
      store.concurrent = Math.max(store.concurrent, ++underWay);
      try {
        return await (store.script.shift() ?? store.answer)(documents, text);
      } finally {
        underWay--;
      }
    },
  };
  return store;
}

/** Keeps new documents, as an engine does that has nothing against them. */
export function hold(store: FakeStore, documents: SentDocument[]): BulkResult[] {
  return documents.map((document) => {
    const key = `${document.index}/${document.id}`;
    if (store.held.has(key) && !document.replaces) return { kind: 'exists' };
    store.held.set(key, document);
    return { kind: 'created' };
  });
}

export function unavailable(): never {
  throw new MillraceError('STORE_UNAVAILABLE', '_bulk: 503');
}

function sentDocuments(body: string): SentDocument[] {
  const lines = body.split('\n');
  if (lines.pop() !== '') throw new TypeError('a bulk body ends with a newline');
  const documents: SentDocument[] = [];
  for (let i = 0; i < lines.length; i += 2) {
    const action = JSON.parse(String(lines[i])) as Record<string, { _index: string; _id: string }>;
    const [[write, target] = []] = Object.entries(action);
    if (write === undefined || target === undefined) throw new TypeError('a line without an action');
    const source = JSON.parse(String(lines[i + 1])) as Record<string, unknown>;
    documents.push({ index: target._index, id: target._id, source, replaces: write === 'index' });
  }
  return documents;
}
