import { isMillraceError, MillraceError } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { StoreConfig } from '../config.ts';
import { StoreRejection } from '../failure.ts';
import type { Store } from '../port.ts';
import { accounting } from './accounting.ts';
import { bulkFilter, bulkResults } from './bulk.ts';
import { isRecord } from './errors.ts';
import { keeping } from './keeping.ts';
import { markBody, markedKeys, markId } from './marks.ts';
import {
  histogramBody,
  histogramResponse,
  nothingFound,
  searchBody,
  searchPath,
  searchQuery,
  searchResponse,
} from './search.ts';
import {
  eventsTemplate,
  eventsTemplateBody,
  markProperties,
  marksIndex,
  marksTemplate,
  marksTemplateBody,
  type TimeFormats,
  templateVersion,
} from './template.ts';
import type { Call, Transport } from './transport.ts';

/** Waits before a read is asked again: the shards of a new day's index take a moment. Milliseconds. */
const readRetriesMs = [50, 150, 400];

/** What an adapter says in its own way. */
export interface Engine {
  transport: Transport;
  describe: Store['describe'];
  times: TimeFormats;
}

/** The port over REST calls that every engine answers alike. */
export function restStore(engine: Engine, config: StoreConfig, clock: Clock): Store {
  const { transport } = engine;
  const read = (what: string, call: Call) => readAgain(transport, clock, what, call);

  const bulk: Store['bulkCreate'] = async (body, count, signal) => {
    const query = { filter_path: bulkFilter };
    const answer = await transport.call('_bulk', {
      method: 'POST',
      path: '/_bulk',
      query,
      lines: body,
      signal,
    });
    return bulkResults(answer.body, count);
  };

  return {
    bulkCreate: bulk,

    bulkApply: bulk,

    describe: engine.describe,

    async install(signal) {
      const events = eventsTemplateBody(config.index, engine.times);
      await installTemplate(transport, eventsTemplate, events, signal);
      await installTemplate(transport, marksTemplate, marksTemplateBody(config.index), signal);
      const path = `/${marksIndex}/_mapping`;
      const body = { properties: markProperties };
      await transport.call('mapping of marks', { method: 'PUT', path, body, accept: [404], signal });
    },

    async putMark(mark, signal) {
      const [result] = await bulk(markBody(mark), 1, signal);
      if (result?.kind === 'created' || result?.kind === 'exists') return;
      const text = `mark of ${mark.object}: ${result?.status} ${result?.reason}`;
      if (result?.kind === 'rejected') throw new StoreRejection(result.status, text);
      throw new MillraceError('STORE_UNAVAILABLE', text);
    },

    async marked(keys, signal) {
      if (keys.length === 0) return new Set();
      if (keys.length > 1000) throw new StoreRejection(400, `${keys.length} marks asked for, 1,000 at most`);
      const path = `/${marksIndex}/_mget`;
      const body = { ids: keys.map(markId) };
      const query = { _source: false };
      const answer = await read('_mget of marks', {
        method: 'POST',
        path,
        query,
        body,
        accept: [404],
        signal,
      });
      return answer.status === 404 ? new Set() : markedKeys(answer.body, keys);
    },

    ...accounting(read),
    ...keeping(read, (what, call) => transport.call(what, call)),

    async search(request, signal) {
      const path = searchPath(request.indices);
      if (path === undefined) return nothingFound;
      const ask = async (highlight: boolean) => {
        const body = searchBody(request, highlight);
        return read('_search', { method: 'POST', path, query: searchQuery, body, signal });
      };
      try {
        return searchResponse((await ask(request.highlight)).body);
      } catch (error) {
        // What cannot be highlighted is still found.
        if (!request.highlight || !isMillraceError(error, 'STORE_REJECTED')) throw error;
        return searchResponse((await ask(false)).body);
      }
    },

    async histogram(request, signal) {
      const path = searchPath(request.indices);
      const body = histogramBody(request);
      if (path === undefined) return { tookMs: 0, buckets: [] };
      const call: Call = { method: 'POST', path, query: searchQuery, body, signal };
      return histogramResponse((await read('histogram', call)).body);
    },

    async refresh(signal) {
      const path = `/millrace-*,${marksIndex}/_refresh`;
      const query = { ignore_unavailable: true, allow_no_indices: true };
      await transport.call('_refresh', { method: 'POST', path, query, signal });
    },

    close: () => transport.close(),
  };
}

/** Leaves a newer Millrace's template alone: during an upgrade both versions run. */
async function installTemplate(
  transport: Transport,
  name: string,
  body: Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = `/_index_template/${name}`;
  const installed = await transport.call(`template ${name}`, { method: 'GET', path, accept: [404], signal });
  if (installedVersion(installed.body) > templateVersion) return;
  await transport.call(`template ${name}`, { method: 'PUT', path, body, signal });
}

function installedVersion(body: unknown): number {
  const templates: unknown = isRecord(body) ? body.index_templates : undefined;
  const first: unknown = Array.isArray(templates) ? templates[0] : undefined;
  const template = isRecord(first) ? first.index_template : undefined;
  const meta = isRecord(template) ? template._meta : undefined;
  return isRecord(meta) && typeof meta.version === 'number' ? meta.version : 0;
}

/** Reads may be repeated, so a connection closed while idle or a shard that just starts fails no request. */
async function readAgain(transport: Transport, clock: Clock, what: string, call: Call) {
  for (const waitMs of readRetriesMs) {
    try {
      return await transport.call(what, call);
    } catch (error) {
      if (!isMillraceError(error, 'STORE_UNAVAILABLE') || call.signal?.aborted) throw error;
      await clock.sleep(waitMs, call.signal);
    }
  }
  return transport.call(what, call);
}
