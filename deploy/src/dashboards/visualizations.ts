import { indexPattern } from './discover.ts';
import { ids, type SavedObject, searchSource } from './saved-object.ts';

const errors = 'log.level:(error OR critical OR alert OR emergency OR fatal)';

/** The panels: aggregations that both products draw, and one Vega chart for what no aggregation of theirs says. */
export function visualizations(): SavedObject[] {
  return [
    bars(ids.byLevel, 'Events by level', 'log.level', 10),
    bars(ids.byTag, 'Events by tag', 'tag', 12),
    rows(ids.topErrors, 'Errors by tag, host and type', errors, [
      terms('tag', 15),
      terms('host.name', 5),
      { ...terms('error.type', 3), missingBucket: true, missingBucketLabel: '-' },
    ]),
    rows(
      ids.hosts,
      'Hosts, and when they were last heard',
      '',
      [terms('host.name', 50)],
      [{ type: 'max', params: { field: '@timestamp', customLabel: 'Newest event' } }],
    ),
    lag(),
  ];
}

interface Metric {
  type: string;
  params: Record<string, unknown>;
}

const count: Metric = { type: 'count', params: {} };

function terms(field: string, size: number): Record<string, unknown> {
  return {
    field,
    size,
    order: 'desc',
    orderBy: '1',
    otherBucket: false,
    otherBucketLabel: 'Other',
    missingBucket: false,
    missingBucketLabel: 'Missing',
  };
}

function visualization(id: string, title: string, type: string, query: string, state: object): SavedObject {
  const { references, kibanaSavedObjectMeta } = searchSource(query);
  return {
    id,
    type: 'visualization',
    attributes: {
      title: `Millrace: ${title}`,
      description: '',
      version: 1,
      uiStateJSON: '{}',
      visState: JSON.stringify({ title: `Millrace: ${title}`, type, ...state }),
      kibanaSavedObjectMeta,
    },
    references,
  };
}

/** Stacked bars over time, split by a field. */
function bars(id: string, title: string, field: string, size: number): SavedObject {
  const axis = { show: true, style: {}, labels: { show: true, truncate: 100 }, title: {} };
  const params = {
    type: 'histogram',
    grid: { categoryLines: false },
    categoryAxes: [
      { ...axis, id: 'CategoryAxis-1', type: 'category', position: 'bottom', scale: { type: 'linear' } },
    ],
    valueAxes: [
      {
        ...axis,
        id: 'ValueAxis-1',
        name: 'LeftAxis-1',
        type: 'value',
        position: 'left',
        scale: { type: 'linear', mode: 'normal' },
        title: { text: 'Events' },
      },
    ],
    seriesParams: [
      {
        show: true,
        type: 'histogram',
        mode: 'stacked',
        data: { label: 'Events', id: '1' },
        valueAxis: 'ValueAxis-1',
      },
    ],
    addTooltip: true,
    addLegend: true,
    legendPosition: 'right',
    times: [],
    addTimeMarker: false,
  };
  const aggs = [
    aggregation(1, 'metric', count),
    aggregation(2, 'segment', {
      type: 'date_histogram',
      params: { field: '@timestamp', interval: 'auto', min_doc_count: 1, extended_bounds: {} },
    }),
    aggregation(3, 'group', { type: 'terms', params: terms(field, size) }),
  ];
  return visualization(id, title, 'histogram', '', { params, aggs });
}

/** A table: how many events by each of the fields. */
function rows(
  id: string,
  title: string,
  query: string,
  buckets: Record<string, unknown>[],
  metrics: Metric[] = [],
): SavedObject {
  const params = {
    perPage: 15,
    showPartialRows: false,
    showMetricsAtAllLevels: false,
    showTotal: false,
    totalFunc: 'sum',
    percentageCol: '',
  };
  const aggs = [count, ...metrics].map((metric, i) => aggregation(i + 1, 'metric', metric));
  for (const bucket of buckets)
    aggs.push(aggregation(aggs.length + 1, 'bucket', { type: 'terms', params: bucket }));
  return visualization(id, title, 'table', query, { params, aggs });
}

function aggregation(id: number, schema: string, { type, params }: Metric) {
  return { id: String(id), enabled: true, type, schema, params };
}

/**
 * Mean time from an event to its being indexed. The mean of a difference is the difference of the means, so that no
 * script is needed, which not every cluster runs.
 */
function lag(): SavedObject {
  const spec = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    title: 'Ingest lag, seconds',
    data: {
      url: {
        '%context%': true,
        '%timefield%': '@timestamp',
        index: indexPattern,
        body: {
          size: 0,
          aggs: {
            times: {
              date_histogram: {
                field: '@timestamp',
                fixed_interval: { '%autointerval%': true },
                min_doc_count: 1,
              },
              aggs: {
                indexed: { avg: { field: 'event.ingested' } },
                happened: { avg: { field: '@timestamp' } },
              },
            },
          },
        },
      },
      format: { property: 'aggregations.times.buckets' },
    },
    transform: [{ calculate: '(datum.indexed.value - datum.happened.value) / 1000', as: 'lag' }],
    mark: { type: 'line', point: true, tooltip: true },
    encoding: {
      x: { field: 'key', type: 'temporal', axis: { title: null } },
      y: { field: 'lag', type: 'quantitative', axis: { title: 'seconds' } },
    },
  };
  return visualization(ids.lag, 'Ingest lag', 'vega', '', {
    params: { spec: JSON.stringify(spec, null, 2) },
    aggs: [],
  });
}
