import { isMillraceError, MillraceError } from '../../errors.ts';
import { StoreRejection } from '../failure.ts';
import { type ObjectCabinet, objectBytesMax, type StoredObject } from '../objects.ts';
import { isRecord } from './errors.ts';
import { objectsIndex } from './template.ts';
import type { Call } from './transport.ts';

type Send = (what: string, call: Call) => Promise<{ status: number; body: unknown }>;

const sizeMax = 1_000;

/** Answers when the index has a shard that answers, at the latest after some seconds; at once where nothing does. */
const shardStarted: Call = {
  method: 'GET',
  path: `/_cluster/health/${objectsIndex}`,
  query: { wait_for_status: 'yellow', timeout: '10s' },
  accept: [404, 408],
};

/**
 * `read` may be sent again, `write` is sent once. The index is made before the first write of a process: a document
 * must not be what makes it, where nobody installed its template.
 */
export function objectCabinet(ask: Send, write: Send, indexBody: Record<string, unknown>): ObjectCabinet {
  let made = false;
  // The index may have been made a moment ago, by another process: its shard takes longer than reads are repeated.
  const read: Send = async (what, call) => {
    try {
      return await ask(what, call);
    } catch (error) {
      if (!isMillraceError(error, 'STORE_UNAVAILABLE') || call.signal?.aborted) throw error;
      await write('shard of objects', { ...shardStarted, signal: call.signal });
      return ask(what, call);
    }
  };
  const makeIndex = async (signal: AbortSignal | undefined) => {
    if (made) return;
    const path = `/${objectsIndex}`;
    const call: Call = { method: 'PUT', path, body: indexBody, accept: [400], signal };
    const { status, body } = await write('index of objects', call);
    if (status === 400 && !JSON.stringify(body).includes('resource_already_exists_exception'))
      throw new StoreRejection(400, `index of objects: ${JSON.stringify(body).slice(0, 1000)}`);
    made = true;
  };

  return {
    async get(kind, id, signal) {
      const call: Call = { method: 'GET', path: pathOf(kind, id), accept: [404], signal };
      const { status, body } = await read(`${kind} ${id}`, call);
      if (status === 404) return undefined;
      const [found] = storedObject(body);
      if (found === undefined) throw new MillraceError('STORE_UNAVAILABLE', `${kind} ${id}: no document`);
      return found;
    },

    async put(kind, id, value, expect, signal) {
      const path = pathOf(kind, id);
      const condition = expect === 'new' ? { op_type: 'create' } : conditionOf(expect);
      const body = { kind, id, value };
      if (value === undefined || Buffer.byteLength(JSON.stringify(value)) > objectBytesMax)
        throw new StoreRejection(413, `${kind} ${id}: a value takes ${objectBytesMax} bytes of JSON at most`);
      await makeIndex(signal);
      const query = { ...condition, refresh: true };
      const call: Call = { method: 'PUT', path, query, body, accept: [409, 404], signal };
      const answer = await write(`${kind} ${id}`, call);
      // 404: a version is expected of what is gone.
      return answer.status >= 400 ? undefined : versionOf(answer.body);
    },

    async list(kind, { after, size }, signal) {
      assertNames(kind, 'a');
      const body = {
        query: { term: { kind } },
        size: Math.min(size, sizeMax),
        seq_no_primary_term: true,
        sort: [{ id: { order: 'asc', unmapped_type: 'keyword' } }],
        ...(after === undefined ? {} : { search_after: [after] }),
      };
      const query = { allow_partial_search_results: false };
      const path = `/${objectsIndex}/_search`;
      const answer = await read(`list of ${kind}`, {
        method: 'POST',
        path,
        query,
        body,
        accept: [404],
        signal,
      });
      if (answer.status === 404) return [];
      const hits = isRecord(answer.body) && isRecord(answer.body.hits) ? answer.body.hits.hits : undefined;
      if (!Array.isArray(hits)) throw new MillraceError('STORE_UNAVAILABLE', `list of ${kind}: no hits`);
      return hits.flatMap(storedObject);
    },

    async delete(kind, id, expect, signal) {
      const query = { ...conditionOf(expect), refresh: true };
      const call: Call = { method: 'DELETE', path: pathOf(kind, id), query, accept: [404, 409], signal };
      return (await write(`delete ${kind} ${id}`, call)).status < 400;
    },
  };
}

function pathOf(kind: string, id: string): string {
  assertNames(kind, id);
  return `/${objectsIndex}/_doc/${kind}:${id}`;
}

function assertNames(kind: string, id: string): void {
  if (/^[a-z0-9_]{1,32}$/.test(kind) && /^[A-Za-z0-9_~.-]{1,128}$/.test(id)) return;
  throw new StoreRejection(400, `${JSON.stringify(kind)} ${JSON.stringify(id)} names no object`);
}

function conditionOf(version: string | undefined): Record<string, number> {
  if (version === undefined) return {};
  const [, sequence, term] = /^(\d{1,16})\.(\d{1,16})$/.exec(version) ?? [];
  if (sequence === undefined || term === undefined)
    throw new StoreRejection(400, `${JSON.stringify(version.slice(0, 64))} is not the version of an object`);
  return { if_seq_no: Number(sequence), if_primary_term: Number(term) };
}

function versionOf(body: unknown): string {
  const { _seq_no: sequence, _primary_term: term } = isRecord(body) ? body : {};
  if (typeof sequence === 'number' && typeof term === 'number') return `${sequence}.${term}`;
  throw new MillraceError('STORE_UNAVAILABLE', 'the answer tells no version');
}

function storedObject(document: unknown): StoredObject[] {
  if (!isRecord(document) || !isRecord(document._source)) return [];
  const { id, value } = document._source;
  return [{ id: String(id), version: versionOf(document), value }];
}
