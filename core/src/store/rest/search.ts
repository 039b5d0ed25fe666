import { StoreRejection } from '../failure.ts';
import type {
  Dsl,
  HistogramRequest,
  HistogramResponse,
  SearchHit,
  SearchRequest,
  SearchResponse,
  SortValues,
} from '../port.ts';
import { isRecord } from './errors.ts';
import { orderFields } from './template.ts';

/** Buckets of one histogram. */
const bucketsMax = 10_000;

/**
 * Noncharacters that stand for \u0001 and \u0002 inside the engine: Lucene trims control characters, white space
 * and with them our marks off both ends of what it highlights.
 */
const openMark = '\ufdd0';
const closeMark = '\ufdd1';

/**
 * Path of a `_search` in these indices; undefined when there are none.
 * @throws MillraceError STORE_REJECTED for names of indices that are not ours to search
 */
export function searchPath(indices: readonly string[]): string | undefined {
  if (indices.length === 0) return undefined;
  for (const index of indices) {
    if (!/^millrace-[a-z0-9_.*-]+$/.test(index)) {
      throw new StoreRejection(400, `index pattern ${JSON.stringify(index)} is not one of Millrace`);
    }
  }
  return `/${indices.map(encodeURIComponent).join(',')}/_search`;
}

/**
 * Days without an index are days without events. A shard that does not answer fails the search: half an answer
 * that looks whole is worse.
 */
export const searchQuery = {
  ignore_unavailable: true,
  allow_no_indices: true,
  allow_partial_search_results: false,
};

export function searchBody(request: SearchRequest, highlight: boolean): Dsl {
  const by = (field: string, type: string, extra: Dsl = {}) => ({
    [field]: { order: request.order, unmapped_type: type, ...extra },
  });
  return {
    query: request.query,
    size: request.size,
    _source: { excludes: containers },
    track_total_hits: request.trackTotal === 0 ? false : request.trackTotal,
    sort: [
      by(orderFields.time, 'date_nanos', { numeric_type: 'date_nanos', missing: 0 }),
      by(orderFields.path, 'keyword'),
      by(orderFields.generation, 'keyword'),
      by(orderFields.offset, 'long', { missing: 0 }),
      by(orderFields.tie, 'long', { missing: 0 }),
    ],
    // The sort value of a date_nanos is a number beyond 2^53, and only Elasticsearch formats it: both engines
    // give, and take back in search_after, the text of its doc value.
    docvalue_fields: [{ field: orderFields.time, format: 'strict_date_optional_time_nanos' }],
    ...(request.after === undefined ? {} : { search_after: request.after }),
    ...(highlight ? { highlight: highlightBody } : {}),
  };
}

/** Derived from `fields`, for the index alone. */
const containers = ['kv', 'kn'];

const highlightBody = {
  pre_tags: [openMark],
  post_tags: [closeMark],
  fields: { message: { number_of_fragments: 0 } },
};

export function searchResponse(body: unknown): SearchResponse {
  const answer = isRecord(body) ? body : {};
  const found = isRecord(answer.hits) ? answer.hits : {};
  const total = isRecord(found.total) ? found.total : {};
  const hits: unknown[] = Array.isArray(found.hits) ? found.hits : [];
  return {
    tookMs: Number(answer.took ?? 0),
    total: { value: Number(total.value ?? 0), relation: total.relation === 'eq' ? 'eq' : 'gte' },
    hits: hits.filter(isRecord).map(searchHit),
  };
}

/** What a search in no index answers. */
export const nothingFound: SearchResponse = { tookMs: 0, total: { value: 0, relation: 'eq' }, hits: [] };

function searchHit(hit: Record<string, unknown>): SearchHit {
  const source = isRecord(hit._source) ? hit._source : {};
  const sort: SortValues = Array.isArray(hit.sort) ? [...(hit.sort as SortValues)] : [];
  const values = isRecord(hit.fields) ? hit.fields[orderFields.time] : undefined;
  if (Array.isArray(values) && typeof values[0] === 'string') sort[0] = values[0];
  const fragments = isRecord(hit.highlight) ? hit.highlight.message : undefined;
  const fragment: unknown = Array.isArray(fragments) ? fragments[0] : undefined;
  const highlight =
    typeof fragment === 'string' ? highlighted(String(source.message ?? ''), fragment) : undefined;
  return {
    id: String(hit._id),
    index: String(hit._index),
    source,
    sort,
    ...(highlight === undefined ? {} : { highlight }),
  };
}

/** Puts the ends back that the engine trimmed; undefined when the fragment is not of this message. */
export function highlighted(message: string, fragment: string): string | undefined {
  if (message.includes(openMark) || message.includes(closeMark)) return undefined;
  const plain = fragment.replaceAll(openMark, '').replaceAll(closeMark, '');
  const start = message.indexOf(plain);
  if (start < 0) return undefined;
  const marked = fragment.replaceAll(openMark, '\u0001').replaceAll(closeMark, '\u0002');
  return message.slice(0, start) + marked + message.slice(start + plain.length);
}

/** @throws MillraceError STORE_REJECTED for more buckets than anyone draws */
export function histogramBody(request: HistogramRequest): Dsl {
  const { intervalMs } = request;
  // Whole buckets; of a first or last one that is cut, the query says what is counted.
  const min = Math.floor(request.fromMs / intervalMs) * intervalMs;
  const max = Math.max(min + intervalMs, Math.ceil(request.toMs / intervalMs) * intervalMs);
  const buckets = (max - min) / intervalMs;
  if (!(buckets <= bucketsMax)) {
    throw new StoreRejection(400, `histogram of ${buckets} buckets, ${bucketsMax} at most`, {
      hint: 'choose a wider interval or a shorter time range',
    });
  }
  // A filter, not `hard_bounds`: OpenSearch 3.6 counts nothing within hard bounds of a date_nanos.
  const within = { range: { [orderFields.time]: { gte: min, lt: max, format: 'epoch_millis' } } };
  return {
    query: { bool: { filter: [request.query, within] } },
    size: 0,
    track_total_hits: false,
    aggs: {
      over_time: {
        date_histogram: {
          field: orderFields.time,
          fixed_interval: `${intervalMs}ms`,
          min_doc_count: 0,
          extended_bounds: { min, max: max - 1 },
        },
      },
    },
  };
}

export function histogramResponse(body: unknown): HistogramResponse {
  const answer = isRecord(body) ? body : {};
  const aggregations = isRecord(answer.aggregations) ? answer.aggregations : {};
  const overTime = isRecord(aggregations.over_time) ? aggregations.over_time : {};
  const buckets: unknown[] = Array.isArray(overTime.buckets) ? overTime.buckets : [];
  return {
    tookMs: Number(answer.took ?? 0),
    buckets: buckets.filter(isRecord).map((bucket) => ({
      fromMs: Number(bucket.key),
      count: Number(bucket.doc_count),
    })),
  };
}
