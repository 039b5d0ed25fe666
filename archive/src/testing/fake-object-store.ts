import { MillraceError } from '@millrace/core/errors.ts';
import type { ObjectStore } from '../object-store.ts';

/** What happens to a call: it works, fails without effect, or works while its answer is lost. */
export type Fate = 'works' | 'fails' | 'answer lost';

export interface FakeObjectStore extends ObjectStore {
  readonly objects: Map<string, { bytes: Buffer; modifiedMs: number }>;
  readonly uploads: Map<string, { key: string; parts: Buffer[]; startedMs?: number }>;
  /** Names of the calls so far. */
  readonly calls: string[];
  fate: (call: string) => Fate;
  nowMs: number;
}

/** S3 in memory, with faults. */
export function fakeObjectStore(fate: (call: string) => Fate = () => 'works'): FakeObjectStore {
  const objects: FakeObjectStore['objects'] = new Map();
  const uploads: FakeObjectStore['uploads'] = new Map();
  let uploadCount = 0;
  const run = async <T>(call: string, effect: () => T): Promise<T> => {
    store.calls.push(call);
    await new Promise((resolve) => setImmediate(resolve));
    const what = store.fate(call);
    if (what === 'fails') throw new MillraceError('ARCHIVE_UNAVAILABLE', `${call}: injected`);
    const result = effect();
    if (what === 'answer lost') throw new MillraceError('ARCHIVE_UNAVAILABLE', `${call}: answer lost`);
    return result;
  };
  const create = (key: string, bytes: Buffer): 'created' | 'exists' => {
    if (objects.has(key)) return 'exists';
    objects.set(key, { bytes, modifiedMs: store.nowMs });
    return 'created';
  };
  const keysUnder = (prefix: string, after = '') =>
    [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const store: FakeObjectStore = {
    objects,
    uploads,
    calls: [],
    fate,
    nowMs: 0,
    put: (key, body) => run('put', () => create(key, Buffer.from(body))),
    createUpload: (key) =>
      run('create', () => {
        const id = `upload-${++uploadCount}`;
        uploads.set(id, { key, parts: [], startedMs: store.nowMs });
        return id;
      }),
    uploadPart: ({ upload, number }, body) =>
      run('part', () => {
        const entry = uploads.get(upload);
        if (entry === undefined) return 'gone' as const;
        entry.parts[number - 1] = Buffer.from(body);
        return { tag: `${upload}/${number}` };
      }),
    completeUpload: (key, upload, tags) =>
      run('complete', () => {
        const entry = uploads.get(upload);
        if (entry === undefined || entry.parts.length !== tags.length) return 'gone' as const;
        uploads.delete(upload);
        return create(key, Buffer.concat(entry.parts));
      }),
    abortUpload: (_key, upload) =>
      run('abort', () => {
        uploads.delete(upload);
      }),
    unfinished: (prefix) =>
      run('unfinished', () =>
        [...uploads]
          .filter(([, { key }]) => key.startsWith(prefix))
          .map(([upload, { key, startedMs = 0 }]) => ({ key, upload, startedMs })),
      ),
    size: (key) => run('size', () => objects.get(key)?.bytes.length),
    read: (key, from, to) => run('read', () => objects.get(key)?.bytes.subarray(from, to)),
    list: (prefix, after) =>
      run('list', () => {
        const keys = keysUnder(prefix, after);
        const page = keys.slice(0, 1_000).map((key) => {
          const object = objects.get(key);
          return { key, bytes: object?.bytes.length ?? 0, modifiedMs: object?.modifiedMs ?? 0 };
        });
        return { objects: page, more: keys.length > page.length };
      }),
    folders: (prefix) =>
      run('folders', () => {
        const names = keysUnder(prefix)
          .filter((key) => key.slice(prefix.length).includes('/'))
          .map((key) => key.slice(0, key.indexOf('/', prefix.length) + 1));
        return [...new Set(names)];
      }),
    bucketExists: () => run('bucket', () => true),
    close() {},
  };
  return store;
}
