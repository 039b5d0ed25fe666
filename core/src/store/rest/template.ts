import { separators, tokenLengthMax } from '../../query/tokenize.ts';
import type { StoreConfig } from '../config.ts';

/**
 * What the indices look like. Static: no document changes a mapping, so none depends on which came first (D5).
 * Raised whenever a template's body changes; an older Millrace leaves a newer one's templates alone.
 */
export const templateVersion = 3;

export const eventsTemplate = 'millrace-events';
export const marksTemplate = 'millrace-marks';
export const marksIndex = 'millrace_marks';
/** Beside the marks, which may be deleted to have everything filled again. */
export const horizonsIndex = 'millrace_horizons';
export const objectsTemplate = 'millrace-objects';
export const objectsIndex = 'millrace_objects';

/** Field names of the orders that `search` pages by; `tie` keeps records apart that agree in all the others. */
export const orderFields = {
  time: '@timestamp',
  path: 'log.file.path',
  generation: 'event.generation',
  offset: 'log.offset',
  tie: 'event.tie',
  ingested: 'event.ingested',
} as const;

/** Lucene refuses terms over 32,766 bytes and with them the whole document; longer values are kept in _source. */
const keyword = { type: 'keyword', ignore_above: 8191 };

/** The twin of core/query's tokenizer: the matcher on archive bytes must find what the index finds (D9). */
const analysis = {
  analyzer: { millrace: { type: 'custom', tokenizer: 'millrace', filter: ['lowercase'] } },
  tokenizer: {
    millrace: { type: 'char_group', tokenize_on_chars: separators, max_token_length: tokenLengthMax },
  },
};

/** How an index reads times and shows them, where the engine's own way is not good enough. */
export interface TimeFormats {
  format?: string;
}

/** Body of the index template for `millrace-<stream>-YYYY.MM.DD` and `millrace-<stream>-YYYY.MM`. */
export function eventsTemplateBody(index: StoreConfig['index'], times: TimeFormats): Record<string, unknown> {
  return {
    // The dot keeps `millrace-some-thing` of somebody else out; stream names hold neither `-` nor `.`.
    index_patterns: ['millrace-*-*.*'],
    // Above 500, where Elasticsearch's built-in templates end (D7).
    priority: 1000,
    _meta: { owner: 'millrace', version: templateVersion },
    template: {
      settings: {
        index: {
          number_of_shards: index.shards,
          ...replicas(index.replicas),
          // An index that nobody searches need not be refreshed each second: small segments cost a quarter of the rate.
          ...(index.refresh_interval === 'auto' ? {} : { refresh_interval: index.refresh_interval }),
          codec: index.codec,
          // Twice the longest message: highlighting must not fail a search.
          highlight: { max_analyzed_offset: 2_000_000 },
          analysis,
        },
      },
      mappings: { dynamic: false, properties: eventProperties(times) },
    },
  };
}

export const markProperties = {
  object: keyword,
  stream: keyword,
  events: { type: 'long' },
  indexed: { type: 'long' },
  exceptions: { type: 'object', enabled: false },
  setAside: { type: 'long' },
};

/** Body of the index template for the index of marks (D5). */
export function marksTemplateBody(index: StoreConfig['index']): Record<string, unknown> {
  return {
    index_patterns: [marksIndex, horizonsIndex],
    priority: 1000,
    _meta: { owner: 'millrace', version: templateVersion },
    template: {
      settings: { index: { number_of_shards: 1, ...replicas(index.replicas), refresh_interval: '1s' } },
      mappings: {
        dynamic: false,
        properties: markProperties,
      },
    },
  };
}

/** Body of the index of small objects: values are kept, not searched. */
export function objectsIndexBody(index: StoreConfig['index']): Record<string, unknown> {
  return {
    settings: { index: { number_of_shards: 1, ...replicas(index.replicas) } },
    mappings: {
      dynamic: false,
      properties: { kind: keyword, id: keyword, value: { type: 'object', enabled: false } },
    },
  };
}

/** Body of the index template for it. */
export function objectsTemplateBody(index: StoreConfig['index']): Record<string, unknown> {
  return {
    index_patterns: [objectsIndex],
    priority: 1000,
    _meta: { owner: 'millrace', version: templateVersion },
    template: objectsIndexBody(index),
  };
}

function replicas(count: number | string): Record<string, unknown> {
  return typeof count === 'number' ? { number_of_replicas: count } : { auto_expand_replicas: count };
}

const object = (properties: Record<string, unknown>) => ({ properties });

const eventProperties = (times: TimeFormats) => ({
  '@timestamp': { type: 'date_nanos', ...times },
  message: { type: 'text', analyzer: 'millrace', norms: false },
  tag: keyword,
  stream: keyword,
  host: object({ name: keyword }),
  log: object({ file: object({ path: keyword }), offset: { type: 'long' }, level: keyword }),
  event: object({
    generation: keyword,
    ingested: { type: 'date', ...times },
    // For sorting only.
    tie: { type: 'long', index: false },
  }),
  error: object({ type: keyword, message: keyword }),
  source: object({ ip: { type: 'ip', ignore_malformed: true }, address: keyword }),
  user: object({ name: keyword }),
  user_agent: object({ original: keyword }),
  http: object({
    request: object({ method: keyword, referrer: keyword }),
    response: object({
      status_code: { type: 'short', ignore_malformed: true },
      body: object({ bytes: { type: 'long', ignore_malformed: true } }),
    }),
  }),
  url: object({ original: keyword }),
  service: object({ name: keyword }),
  trace: object({ id: keyword }),
  fields: { type: 'object', enabled: false },
  kv: keyword,
  kn: keyword,
});
