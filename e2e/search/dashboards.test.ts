import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { savedObjectsFile } from '@millrace/deploy/dashboards/file.ts';
import { jsonRule } from '../harness/log-blocks.ts';
import { loadLines } from '../harness/log-lines.ts';
import { forgetStream, searchEngines, uniqueStream } from '../harness/search-engines.ts';

interface Panel {
  id: string;
  query: string;
  visState: {
    type: string;
    aggs: { id: string; type: string; schema: string; params: Record<string, unknown> }[];
    params: { spec?: string };
  };
}

// Neither Kibana nor OpenSearch Dashboards can be had here: what their charts ask is asked of the engines instead.
const panels: Panel[] = savedObjectsFile('opensearch-dashboards')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { id: string; type: string; attributes: Record<string, string> })
  .filter(({ type }) => type === 'visualization')
  .map(({ id, attributes }) => {
    const meta = attributes.kibanaSavedObjectMeta as unknown as { searchSourceJSON: string };
    const { query } = JSON.parse(meta.searchSourceJSON) as { query: { query: string } };
    return { id, query: query.query, visState: JSON.parse(attributes.visState ?? '') as Panel['visState'] };
  });

for (const engine of searchEngines()) {
  describe(`the charts on ${engine.type}`, () => {
    const stream = uniqueStream('dashboards');
    before(async () => {
      const capturedMs = Date.now() - 60_000;
      const levels = ['info', 'info', 'info', 'error'];
      const lines = Array.from({ length: 40 }, (_, i) =>
        JSON.stringify({ message: `line ${i}`, level: levels[i % 4] }),
      );
      await loadLines(engine, stream, [
        { lines, rule: jsonRule, tag: 'shop', host: 'web-1', capturedMs: () => capturedMs },
        { lines, rule: jsonRule, tag: 'bank', host: 'web-2', capturedMs: () => capturedMs },
      ]);
    });
    after(() => forgetStream(engine, stream));

    const ask = async (body: object) => {
      const response = await fetch(`${engine.node}/millrace-${stream}-*/_search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const answer = (await response.json()) as { aggregations: Record<string, never>; error?: unknown };
      assert.equal(response.status, 200, JSON.stringify(answer.error));
      return answer.aggregations;
    };

    for (const { id, query, visState } of panels.filter(({ visState }) => visState.type !== 'vega')) {
      it(`${id} counts every event once`, async () => {
        const aggregations = await ask({
          size: 0,
          query: query === '' ? { match_all: {} } : { query_string: { query } },
          aggs: nested(visState.aggs),
        });
        const counted = visState.aggs.filter(({ schema }) => schema !== 'metric').length;
        assert.equal(eventsAt(aggregations, counted), query === '' ? 80 : 20);
      });
    }

    it('the ingest lag is the mean of all events', async () => {
      const lag = panels.find(({ visState }) => visState.type === 'vega');
      const spec = JSON.parse(lag?.visState.params.spec ?? '') as {
        data: { url: { body: { aggs: { times: { date_histogram: Record<string, unknown> } } } } };
      };
      const { body } = spec.data.url;
      // The product puts a width in, by the time on the screen.
      body.aggs.times.date_histogram.fixed_interval = '365d';
      const { times } = (await ask(body)) as unknown as {
        times: { buckets: { indexed: { value: number }; happened: { value: number } }[] };
      };
      const lags = times.buckets.map(({ indexed, happened }) => (indexed.value - happened.value) / 1000);
      assert.ok(
        lags.every((seconds) => seconds >= 60 && seconds < 600),
        String(lags),
      );
    });
  });
}

/** The parts of a chart as the products nest them: buckets within each other, counts by themselves. */
function nested(aggs: Panel['visState']['aggs']): object {
  const [bucket, ...inner] = aggs.filter(({ schema }) => schema !== 'metric');
  const metrics = aggs.filter(({ schema, type }) => schema === 'metric' && type !== 'count');
  const own = Object.fromEntries(
    metrics.map(({ id, type, params }) => [id, { [type]: { field: params.field } }]),
  );
  if (bucket === undefined) return own;
  const { id, type, params } = bucket;
  const body =
    type === 'terms'
      ? { field: params.field, size: params.size, ...(params.missingBucket === true ? { missing: '-' } : {}) }
      : { field: params.field, fixed_interval: '1h', min_doc_count: params.min_doc_count };
  return { [id]: { [type]: body, aggs: { ...own, ...nested(inner) } } };
}

interface Buckets {
  buckets: (Record<string, Buckets> & { doc_count: number })[];
}

/** Events in the buckets of the innermost of `depth` levels. */
function eventsAt(aggregations: Record<string, unknown>, depth: number): number {
  const level = Object.values(aggregations).find(
    (value): value is Buckets => typeof value === 'object' && value !== null && 'buckets' in value,
  );
  let events = 0;
  for (const bucket of level?.buckets ?? []) {
    events += depth === 1 ? bucket.doc_count : eventsAt(bucket, depth - 1);
  }
  return events;
}
