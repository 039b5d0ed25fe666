import { derivedNames } from '../../document/reserved.ts';
import type { Dsl, SearchHit, SearchRequest, SearchResponse, SortValues } from '../port.ts';
import { isRecord } from './errors.ts';
import { indexTarget, missingIndices } from './indices.ts';
import { isEmptyPoint } from './point.ts';
import { orderFields } from './template.ts';
import type { Call } from './transport.ts';
import { cutOrWhole, timeBound, wholeOptions } from './whole.ts';

/**
 * Noncharacters that stand for \u0001 and \u0002 inside the engine: Lucene trims control characters, white space
 * and with them our marks off both ends of what it highlights.
 */
const openMark = '\ufdd0';
const closeMark = '\ufdd1';

/** Where and how a search is asked; undefined when there is nothing to search in. */
export function searchTarget(request: SearchRequest): Pick<Call, 'path' | 'query' | 'accept'> | undefined {
  const { query, accept } = wholeOptions(request.timeMsMax);
  if (isEmptyPoint(request.point)) return undefined;
  // Engines take no names of indices beside a point: it has its own.
  if (request.point !== undefined) return { path: '/_search', query, accept };
  const target = indexTarget(request.indices);
  return target === undefined
    ? undefined
    : { path: `/${target}/_search`, query: { ...query, ...missingIndices }, accept };
}

export function searchBody(request: SearchRequest, highlight: boolean): Dsl {
  const { point, pointKeepMs } = request;
  const by = request.by ?? 'event';
  return {
    query: request.query,
    size: request.size,
    _source: sourceMembers(request, highlight),
    track_total_hits: request.trackTotal === 0 ? false : request.trackTotal,
    sort: orders[by].map(({ field, ...how }) => ({ [field]: { order: request.order, ...how } })),
    // The sort value of a date_nanos is a number beyond 2^53, and only Elasticsearch formats it: both engines
    // give, and take back in search_after, the text of its doc value.
    ...(by === 'event'
      ? { docvalue_fields: [{ field: orderFields.time, format: 'strict_date_optional_time_nanos' }] }
      : {}),
    ...(request.after === undefined ? {} : { search_after: request.after }),
    ...(highlight ? { highlight: highlightBody } : {}),
    ...(point === undefined
      ? {}
      : { pit: { id: point, ...(pointKeepMs === undefined ? {} : { keep_alive: `${pointKeepMs}ms` }) } }),
    ...timeBound(request.timeMsMax),
  };
}

const record = [
  { field: orderFields.generation, unmapped_type: 'keyword' },
  { field: orderFields.offset, unmapped_type: 'long', missing: 0 },
  { field: orderFields.tie, unmapped_type: 'long', missing: 0 },
];

const orders = {
  event: [
    { field: orderFields.time, unmapped_type: 'date_nanos', numeric_type: 'date_nanos', missing: 0 },
    { field: orderFields.path, unmapped_type: 'keyword' },
    ...record,
  ],
  ingested: [{ field: orderFields.ingested, unmapped_type: 'date', missing: 0 }, ...record],
  offset: record,
};

function sourceMembers({ fields, containers }: SearchRequest, highlight: boolean): unknown {
  const excludes: readonly string[] = containers === true ? [] : derivedNames;
  if (fields === undefined) return excludes.length === 0 ? true : { excludes };
  // Marks are put into the whole message.
  const includes = highlight && !fields.includes('message') ? [...fields, 'message'] : fields;
  return includes.length === 0 ? false : { includes, excludes };
}

const highlightBody = {
  pre_tags: [openMark],
  post_tags: [closeMark],
  fields: { message: { number_of_fragments: 0 } },
};

/** @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED when a shard is missing */
export function searchResponse(body: unknown, by: SearchRequest['by']): SearchResponse {
  const answer = isRecord(body) ? body : {};
  const found = isRecord(answer.hits) ? answer.hits : {};
  const total = isRecord(found.total) ? found.total : {};
  const hits: unknown[] = Array.isArray(found.hits) ? found.hits : [];
  const { cut } = cutOrWhole('_search', answer);
  return {
    tookMs: Number(answer.took ?? 0),
    total: { value: Number(total.value ?? 0), relation: total.relation === 'eq' && !cut ? 'eq' : 'gte' },
    hits: hits.filter(isRecord).map((hit) => searchHit(hit, orders[by ?? 'event'].length)),
    ...(cut ? { cut } : {}),
    ...(typeof answer.pit_id === 'string' ? { point: answer.pit_id } : {}),
  };
}

/** What a search in no index answers. */
export const nothingFound: SearchResponse = { tookMs: 0, total: { value: 0, relation: 'eq' }, hits: [] };

function searchHit(hit: Record<string, unknown>, sortLength: number): SearchHit {
  const source = isRecord(hit._source) ? hit._source : {};
  // Elasticsearch adds a value of its own within a point in time, which no search outside of it takes back.
  const sort: SortValues = Array.isArray(hit.sort) ? (hit.sort as SortValues).slice(0, sortLength) : [];
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
