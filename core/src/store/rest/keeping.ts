import { MillraceError } from '../../errors.ts';
import { isStreamName } from '../../ids/stream-name.ts';
import { StoreRejection } from '../failure.ts';
import type { Mark, Store } from '../port.ts';
import { bulkFilter, bulkResults } from './bulk.ts';
import { engineError, isRecord } from './errors.ts';
import { markBody, markId } from './marks.ts';
import { horizonsIndex, marksIndex } from './template.ts';
import type { Call } from './transport.ts';

type Send = (what: string, call: Call) => Promise<{ status: number; body: unknown }>;

type Keeping = Pick<
  Store,
  | 'marksOf'
  | 'marksSetAside'
  | 'replaceMark'
  | 'indices'
  | 'deleteIndex'
  | 'present'
  | 'horizons'
  | 'moveHorizon'
>;

const indexPattern = /^millrace-[a-z0-9_]+-(replayed-)?\d{4}\.\d\d(\.\d\d)?$/;
const datePattern = /^\d{4}\.\d\d\.\d\d$/;
const horizonTries = 10;

/** What retention, set-aside and redrive ask of the store. `read`: may be sent again; `write`: is sent once. */
export function keeping(read: Send, write: Send): Keeping {
  return { ...keepingMarks(read, write), ...keepingIndices(read, write), ...keepingHorizons(read, write) };
}

function keepingMarks(read: Send, write: Send): Pick<Keeping, 'marksOf' | 'marksSetAside' | 'replaceMark'> {
  return {
    async marksOf(keys, signal) {
      bounded(keys, 1_000);
      if (keys.length === 0) return new Map();
      const body = { ids: keys.map(markId) };
      const call: Call = { method: 'POST', path: `/${marksIndex}/_mget`, body, accept: [404], signal };
      const answer = await read('_mget of marks', call);
      const found = answer.status === 404 ? [] : foundDocs(answer.body, keys.length);
      return new Map(found.flatMap((doc) => markEntry(doc._source)));
    },

    async marksSetAside({ stream, after, size }, signal) {
      const filter = [
        { range: { setAside: { gt: 0 } } },
        ...(stream === undefined ? [] : [{ term: { stream } }]),
      ];
      const body = {
        query: { bool: { filter } },
        size: Math.min(size, 1_000),
        sort: [{ object: { order: 'asc', unmapped_type: 'keyword' } }],
        ...(after === undefined ? {} : { search_after: [after] }),
      };
      return (await searched(read, marksIndex, body, signal)).flatMap((hit) =>
        markEntry(hit._source).map(([, mark]) => mark),
      );
    },

    async replaceMark(mark, signal) {
      const query = { filter_path: bulkFilter, refresh: true };
      const lines = markBody(mark, 'index');
      const { body } = await write('replace a mark', {
        method: 'POST',
        path: '/_bulk',
        query,
        lines,
        signal,
      });
      const [result] = bulkResults(body, 1);
      if (result?.kind === 'created') return;
      throw new MillraceError('STORE_UNAVAILABLE', `mark of ${mark.object}: ${JSON.stringify(result)}`);
    },
  };
}

function keepingIndices(read: Send, write: Send): Pick<Keeping, 'indices' | 'deleteIndex' | 'present'> {
  return {
    async indices(signal) {
      const path = '/millrace-*-*.*/_stats/docs,store';
      const { body } = await read('_stats', { method: 'GET', path, signal });
      // Of a node that does not answer, indices are missing.
      if (isRecord(body) && figure(body._shards, 'failed') > 0) {
        throw new MillraceError('STORE_UNAVAILABLE', '_stats: some shards did not answer');
      }
      const all = isRecord(body) && isRecord(body.indices) ? body.indices : {};
      return Object.entries(all)
        .filter(([index]) => indexPattern.test(index))
        .map(([index, stats]) => {
          const primaries = isRecord(stats) && isRecord(stats.primaries) ? stats.primaries : {};
          return {
            index,
            documents: figure(primaries.docs, 'count'),
            bytes: figure(primaries.store, 'size_in_bytes'),
          };
        })
        .sort((a, b) => (a.index < b.index ? -1 : 1));
    },

    async deleteIndex(index, signal) {
      if (!indexPattern.test(index)) throw new StoreRejection(400, `${index} is not one index of events`);
      await write(`delete ${index}`, { method: 'DELETE', path: `/${index}`, accept: [404], signal });
    },

    async present(index, ids, signal) {
      bounded(ids, 10_000);
      if (ids.length === 0) return new Set();
      if (!indexPattern.test(index)) throw new StoreRejection(400, `${index} is not one index of events`);
      const query = { _source: false };
      const call: Call = {
        method: 'POST',
        path: `/${index}/_mget`,
        query,
        body: { ids },
        accept: [404],
        signal,
      };
      const answer = await read('_mget of events', call);
      const found = answer.status === 404 ? [] : foundDocs(answer.body, ids.length);
      return new Set(found.map((doc) => String(doc._id)));
    },
  };
}

function keepingHorizons(read: Send, write: Send): Pick<Keeping, 'horizons' | 'moveHorizon'> {
  return {
    async horizons(signal) {
      const hits = await searched(read, horizonsIndex, { size: 10_000 }, signal);
      return new Map(
        hits.flatMap(({ _source: source }) =>
          isRecord(source) && typeof source.stream === 'string' && datePattern.test(String(source.date))
            ? [[source.stream, String(source.date)] as const]
            : [],
        ),
      );
    },

    async moveHorizon(stream, date, signal) {
      if (!isStreamName(stream) || !datePattern.test(date)) {
        throw new StoreRejection(400, `horizon of ${stream}: ${date} is not YYYY.MM.DD`);
      }
      for (let attempt = 0; attempt < horizonTries; attempt++) {
        if (await movedHorizon(read, write, stream, date, signal)) return;
      }
      throw new MillraceError('STORE_UNAVAILABLE', `horizon of ${stream}: others move it all the time`);
    },
  };
}

/** False when another process wrote in between. */
async function movedHorizon(
  read: Send,
  write: Send,
  stream: string,
  date: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const path = `/${horizonsIndex}/_doc/${stream}`;
  const { body: was } = await read('horizon', { method: 'GET', path, accept: [404], signal });
  const found = isRecord(was) && was.found === true ? was : undefined;
  const stored = isRecord(found?._source) ? String(found._source.date) : '';
  if (stored >= date) return true;
  const condition =
    found === undefined
      ? { op_type: 'create' }
      : { if_seq_no: Number(found._seq_no), if_primary_term: Number(found._primary_term) };
  const call: Call = {
    method: 'PUT',
    path,
    query: { ...condition, refresh: true },
    body: { stream, date },
    accept: [409],
    signal,
  };
  return (await write('horizon', call)).status !== 409;
}

async function searched(
  read: Send,
  index: string,
  body: Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown>[]> {
  const query = { allow_partial_search_results: false };
  const call: Call = { method: 'POST', path: `/${index}/_search`, query, body, accept: [404], signal };
  const answer = await read(`_search in ${index}`, call);
  if (answer.status === 404) return [];
  const hits = isRecord(answer.body) && isRecord(answer.body.hits) ? answer.body.hits.hits : undefined;
  if (!Array.isArray(hits)) throw new MillraceError('STORE_UNAVAILABLE', `_search in ${index}: no hits`);
  return hits.filter(isRecord);
}

/** @throws MillraceError STORE_UNAVAILABLE when a shard did not answer: unknown is not absent */
function foundDocs(body: unknown, count: number): Record<string, unknown>[] {
  const docs: unknown = isRecord(body) ? body.docs : undefined;
  if (!Array.isArray(docs) || docs.length !== count) {
    throw new MillraceError('STORE_UNAVAILABLE', `_mget: no answer for each of ${count} documents`);
  }
  return docs.filter(isRecord).filter((doc) => {
    if (doc.error === undefined) return doc.found === true;
    const { type, reason } = engineError(doc.error);
    if (type === 'index_not_found_exception') return false;
    throw new MillraceError('STORE_UNAVAILABLE', `_mget: ${type} ${reason}`);
  });
}

function markEntry(source: unknown): [string, Mark][] {
  if (!isRecord(source) || typeof source.object !== 'string' || typeof source.events !== 'number') return [];
  return [[source.object, source as unknown as Mark]];
}

function figure(of: unknown, name: string): number {
  return isRecord(of) && typeof of[name] === 'number' ? of[name] : 0;
}

function bounded(keys: string[], max: number): void {
  if (keys.length > max) throw new StoreRejection(400, `${keys.length} asked for, ${max} at most`);
}
