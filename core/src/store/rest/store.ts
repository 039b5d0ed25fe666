import { isMillraceError, MillraceError } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { StoreConfig } from '../config.ts';
import { isPointGone, StoreRejection } from '../failure.ts';
import type { Dsl, SearchRequest, Store } from '../port.ts';
import { accounting } from './accounting.ts';
import { aggregateBody } from './aggregate.ts';
import { aggregateResponse } from './aggregate-answer.ts';
import { bulkFilter, bulkResults } from './bulk.ts';
import { isRecord } from './errors.ts';
import { histogramBody, histogramResponse } from './histogram.ts';
import { indexTarget, missingIndices } from './indices.ts';
import { keeping } from './keeping.ts';
import { markBody, markedKeys, markId } from './marks.ts';
import { objectCabinet } from './objects.ts';
import { type PointDialect, pointError, points } from './point.ts';
import { scanning } from './scan.ts';
import { nothingFound, searchBody, searchResponse, searchTarget } from './search.ts';
import {
  eventsTemplate,
  eventsTemplateBody,
  markProperties,
  marksIndex,
  marksTemplate,
  marksTemplateBody,
  objectsIndexBody,
  objectsTemplate,
  objectsTemplateBody,
  type TimeFormats,
  templateVersion,
} from './template.ts';
import type { Call, Transport } from './transport.ts';
import { wholeOptions } from './whole.ts';

/** Waits before a read is asked again: the shards of a new day's index take a moment. Milliseconds. */
const readRetriesMs = [50, 150, 400];

/** What an adapter says in its own way. */
export interface Engine {
  transport: Transport;
  describe: Store['describe'];
  times: TimeFormats;
  points: PointDialect;
}

/** The port over REST calls that every engine answers alike. */
export function restStore(engine: Engine, config: StoreConfig, clock: Clock): Store {
  const { transport } = engine;
  const read = (what: string, call: Call) => readAgain(transport, clock, what, call);
  const write = (what: string, call: Call) => transport.call(what, call);

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
      await installTemplate(transport, objectsTemplate, objectsTemplateBody(config.index), signal);
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
    ...keeping(read, write),
    ...points(write, engine.points),
    ...scanning(read, write),
    ...searching((what, call, see) => readAgain(transport, clock, what, call, ({ body }) => see(body))),
    objects: objectCabinet(read, write, objectsIndexBody(config.index)),

    async refresh(signal) {
      const path = `/millrace-*,${marksIndex}/_refresh`;
      const query = { ignore_unavailable: true, allow_no_indices: true };
      await transport.call('_refresh', { method: 'POST', path, query, signal });
    },

    close: () => transport.close(),
  };
}

/** `see` is part of what is tried again: an answer of some shards only is none. */
type See = <T>(what: string, call: Call, see: (body: unknown) => T) => Promise<T>;

function searching(read: See): Pick<Store, 'search' | 'histogram' | 'aggregate'> {
  /** Where there is no index, an answer without anything is looked at in the same way. */
  const counted = async <T>(
    what: string,
    { indices, timeMsMax }: Pick<SearchRequest, 'indices' | 'timeMsMax'>,
    body: Dsl,
    signal: AbortSignal | undefined,
    see: (answer: unknown) => T,
  ): Promise<T> => {
    const target = indexTarget(indices);
    if (target === undefined) return see({});
    const { query, accept } = wholeOptions(timeMsMax);
    const options = { query: { ...query, ...missingIndices }, body, accept, signal };
    return read(what, { method: 'POST', path: `/${target}/_search`, ...options }, see);
  };
  return {
    async search(request, signal) {
      const target = searchTarget(request);
      if (target === undefined) return nothingFound;
      const ask = async (highlight: boolean) => {
        const body = searchBody(request, highlight);
        const call: Call = { method: 'POST', ...target, body, signal };
        return read('_search', call, (found) => searchResponse(found, request.by));
      };
      try {
        return await ask(request.highlight);
      } catch (failed) {
        const error = request.point === undefined ? failed : pointError(failed);
        // What cannot be highlighted is still found.
        if (!request.highlight || !isMillraceError(error, 'STORE_REJECTED') || isPointGone(error))
          throw error;
        return ask(false);
      }
    },

    async histogram(request, signal) {
      const body = histogramBody(request);
      return counted('histogram', request, body, signal, (answer) => histogramResponse(answer, request));
    },

    async aggregate(request, signal) {
      const body = aggregateBody(request);
      return counted('aggregation', request, body, signal, (answer) =>
        aggregateResponse(answer, request.parts),
      );
    },
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

type Answer = { status: number; body: unknown };

/** Reads may be repeated, so a connection closed while idle or a shard that just starts fails no request. */
async function readAgain<T = Answer>(
  transport: Transport,
  clock: Clock,
  what: string,
  call: Call,
  see: (answer: Answer) => T = (answer) => answer as T,
): Promise<T> {
  for (const waitMs of readRetriesMs) {
    try {
      return see(await transport.call(what, call));
    } catch (error) {
      if (!isMillraceError(error, 'STORE_UNAVAILABLE') || call.signal?.aborted) throw error;
      await clock.sleep(waitMs, call.signal);
    }
  }
  return see(await transport.call(what, call));
}
