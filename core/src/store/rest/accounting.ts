import { MillraceError } from '../../errors.ts';
import { StoreRejection } from '../failure.ts';
import type { Mark, Store } from '../port.ts';
import { isRecord } from './errors.ts';
import { marksIndex } from './template.ts';
import type { Call } from './transport.ts';

type Send = (what: string, call: Call) => Promise<{ status: number; body: unknown }>;

const indexPattern = /^millrace-[a-z0-9_]+-\d{4}\.\d\d(\.\d\d)?$/;
const query = { allow_partial_search_results: false };

/** What the ledger asks of the store. */
export function accounting(read: Send): Pick<Store, 'marks' | 'generations'> {
  return {
    async marks({ prefix, after, size }, signal) {
      const body = {
        query: { prefix: { object: { value: prefix } } },
        size: Math.min(size, 1_000),
        sort: [{ object: { order: 'asc', unmapped_type: 'keyword' } }],
        ...(after === undefined ? {} : { search_after: [after] }),
      };
      const path = `/${marksIndex}/_search`;
      const call: Call = { method: 'POST', path, query, body, accept: [404], signal };
      const answer = await read('_search of marks', call);
      if (answer.status === 404) return [];
      const hits = isRecord(answer.body) && isRecord(answer.body.hits) ? answer.body.hits.hits : undefined;
      if (!Array.isArray(hits)) throw new MillraceError('STORE_UNAVAILABLE', '_search of marks: no hits');
      return hits.flatMap((hit: unknown) => markOf(isRecord(hit) ? hit._source : undefined));
    },

    async generations({ index, after, size }, signal) {
      if (!indexPattern.test(index)) throw new StoreRejection(400, `${index} is not one index of events`);
      const composite = {
        size: Math.min(size, 10_000),
        sources: [{ generation: { terms: { field: 'event.generation' } } }],
        ...(after === undefined ? {} : { after: { generation: after } }),
      };
      const body = { size: 0, track_total_hits: false, aggs: { all: { composite } } };
      const path = `/${index}/_search`;
      const call: Call = { method: 'POST', path, query, body, accept: [404], signal };
      const answer = await read('generations', call);
      if (answer.status === 404) return [];
      const aggs =
        isRecord(answer.body) && isRecord(answer.body.aggregations) ? answer.body.aggregations : {};
      const buckets = isRecord(aggs.all) ? aggs.all.buckets : undefined;
      if (!Array.isArray(buckets)) throw new MillraceError('STORE_UNAVAILABLE', 'generations: no buckets');
      return buckets.filter(isRecord).map((bucket) => ({
        generation: isRecord(bucket.key) ? String(bucket.key.generation) : '',
        events: Number(bucket.doc_count),
      }));
    },
  };
}

function markOf(source: unknown): Mark[] {
  if (!isRecord(source) || typeof source.object !== 'string' || typeof source.events !== 'number') return [];
  return [source as unknown as Mark];
}
