import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Dsl, Store } from '@millrace/core/store/port.ts';
import { type Access, accessFilters } from '../access/access.ts';
import { streamAllowed } from '../access/streams.ts';
import { Fresh } from './fresh.ts';

/** How far a stream is in the store. */
export interface StreamStatus {
  stream: string;
  /** Null: the store holds no event of it that the asker may see. */
  newest_event: string | null;
  newest_ingested: string | null;
  /** How long the newest event had been on its way when it was indexed. */
  lag_ms: number | null;
  /** First day whose events are in the store; null: all are. */
  horizon: string | null;
}

/** Streams told of; more are left out. */
const streamsMax = 200;
/** Streams that had nothing for longer are asked for one by one. */
const recentMs = 3_600_000;
/** What is quiet is asked for so seldom; when it is quiet no more it is among the recent ones. */
const quietFreshMs = 60_000;

/** Reads how far each stream is; of quiet ones now and then. */
export class StreamStatuses {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #quiet: Fresh<Times>;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#quiet = new Fresh(clock, quietFreshMs, 4 * streamsMax);
  }

  /** Streams that have indices, in order of name, with what an access may know of them. */
  async read(access: Access): Promise<StreamStatus[]> {
    const store = this.#store;
    const [indices, horizons] = await Promise.all([store.indices(), store.horizons()]);
    const names = new Set([...indices.map(({ index }) => streamOf(index)), ...horizons.keys()]);
    const streams = [...names]
      .filter((name) => streamAllowed(access, name))
      .sort()
      .slice(0, streamsMax);
    if (streams.length === 0) return [];
    const recent = await recentTimes(store, this.#clock, access);
    const statuses: StreamStatus[] = [];
    for (const stream of streams) {
      const { event, ingested } = recent.get(stream) ?? (await this.#quietTimes(stream, access));
      statuses.push({
        stream,
        newest_event: shown(event),
        newest_ingested: shown(ingested),
        lag_ms: event === undefined || ingested === undefined ? null : Math.max(0, ingested - event),
        horizon: horizons.get(stream)?.replaceAll('.', '-') ?? null,
      });
    }
    return statuses;
  }

  #quietTimes(stream: string, access: Access): Promise<Times> {
    const question = JSON.stringify([stream, access.tags, access.hosts]);
    return this.#quiet.get(question, () => newestTimes(this.#store, stream, access));
  }
}

interface Times {
  /** Milliseconds since 1970. */
  event: number | undefined;
  ingested: number | undefined;
}

/** All streams that had something lately, in one question about few events. */
async function recentTimes(store: Store, clock: Clock, access: Access): Promise<Map<string, Times>> {
  const since = { range: { 'event.ingested': { gte: clock.now() - recentMs, format: 'epoch_millis' } } };
  const { parts } = await store.aggregate({
    indices: ['millrace-*-*.*'],
    query: { bool: { filter: [since, ...accessFilters(access)] } },
    parts: {
      streams: {
        type: 'values',
        field: 'stream',
        size: streamsMax,
        order: 'value',
        parts: {
          event: { type: 'numbers', field: '@timestamp' },
          ingested: { type: 'numbers', field: 'event.ingested' },
        },
      },
    },
  });
  return new Map(
    (parts.streams?.buckets ?? []).map(({ value, parts: found }) => [
      String(value),
      { event: found?.event?.numbers?.max, ingested: found?.ingested?.numbers?.max },
    ]),
  );
}

/** Of a stream that is quiet. */
async function newestTimes(store: Store, stream: string, access: Access): Promise<Times> {
  const filters = accessFilters(access);
  const query: Dsl = filters.length === 0 ? { match_all: {} } : { bool: { filter: filters } };
  const newest = async (by: 'event' | 'ingested') => {
    const { hits } = await store.search({
      indices: [`millrace-${stream}-*.*`],
      query,
      size: 1,
      order: 'desc',
      by,
      trackTotal: 0,
      highlight: false,
      fields: ['@timestamp', 'event.ingested'],
    });
    return hits[0]?.source;
  };
  const [event, ingested] = [await newest('event'), await newest('ingested')];
  return { event: timeOf(event?.['@timestamp']), ingested: timeOf(ingestedOf(ingested)) };
}

function ingestedOf(source: Record<string, unknown> | undefined): unknown {
  const { event } = source ?? {};
  return typeof event === 'object' && event !== null ? (event as { ingested?: unknown }).ingested : undefined;
}

function timeOf(text: unknown): number | undefined {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms) ? ms : undefined;
}

function shown(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** `millrace-app-2026.11.22` is of the stream `app`, whose name has no dash. */
function streamOf(index: string): string {
  return index.split('-')[1] ?? '';
}
