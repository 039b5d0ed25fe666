/** One value of a metric, as prom-client's registry gives it. */
export interface MetricValue {
  name: string;
  type: 'counter' | 'gauge';
  labels: [name: string, value: string][];
  value: number;
}

interface RegistryLike {
  getMetricsAsJSON(): Promise<
    { name: string; type: unknown; values?: { value: number; labels: object; metricName?: string }[] }[]
  >;
}

/** Counters and gauges; there are no others here. */
export async function metricValues(registry: RegistryLike): Promise<MetricValue[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.flatMap(({ name, type, values = [] }) =>
    values.map(({ value, labels, metricName }) => ({
      name: metricName ?? name,
      // Some are read from elsewhere when they are asked for, and grow all the same.
      type: type === 'counter' || name.endsWith('_total') ? ('counter' as const) : ('gauge' as const),
      labels: Object.entries(labels).map(([key, text]): [string, string] => [key, String(text)]),
      value,
    })),
  );
}

/** Turns counters into what they grew by since the last call; gauges stay, and counters that did not grow are left out. */
export class Growth {
  readonly #before = new Map<string, number>();

  of(values: MetricValue[]): MetricValue[] {
    return values.flatMap((metric) => {
      if (metric.type === 'gauge') return [metric];
      const key = `${metric.name}\0${metric.labels.join('\0')}`;
      const grown = metric.value - (this.#before.get(key) ?? 0);
      this.#before.set(key, metric.value);
      return grown > 0 ? [{ ...metric, value: grown }] : [];
    });
  }
}

/** Bytes of a datagram that passes any network whole. */
const datagramMax = 1_400;

/** StatsD datagrams: `name:value|c` and `name:value|g`, several lines in each. Labels are tags, or parts of the name. */
export function statsdDatagrams(values: MetricValue[], tags: boolean): string[] {
  const datagrams: string[] = [];
  let open = '';
  for (const { name, type, labels, value } of values) {
    const path = tags ? name : [name, ...labels.map(([, text]) => text.replace(/[^\w-]+/g, '_'))].join('.');
    const tail =
      tags && labels.length > 0
        ? `|#${labels.map(([key, text]) => `${key}:${text.replace(/[,|\n\r]+/g, '_')}`).join(',')}`
        : '';
    const line = `${path}:${value}|${type === 'counter' ? 'c' : 'g'}${tail}`;
    if (open !== '' && Buffer.byteLength(open) + 1 + Buffer.byteLength(line) > datagramMax) {
      datagrams.push(open);
      open = '';
    }
    open = open === '' ? line : `${open}\n${line}`;
  }
  return open === '' ? datagrams : [...datagrams, open];
}

/** Of one document of the Embedded Metric Format. */
const emfMetricsMax = 100;

/**
 * Lines of the CloudWatch Embedded Metric Format, without line ends: documents of metrics with the same dimensions, the
 * host among them.
 */
export function emfDocuments(
  values: MetricValue[],
  about: { namespace: string; logGroup: string; host: string; nowMs: number },
): string[] {
  const groups = Map.groupBy(values, ({ labels }) => JSON.stringify(labels));
  return [...groups.values()].flatMap((group) => {
    const labels = group[0]?.labels ?? [];
    const documents: string[] = [];
    for (let at = 0; at < group.length; at += emfMetricsMax) {
      const metrics = group.slice(at, at + emfMetricsMax);
      const dimensions = ['host', ...labels.map(([name]) => name)];
      documents.push(
        JSON.stringify({
          _aws: {
            Timestamp: Math.floor(about.nowMs),
            LogGroupName: about.logGroup,
            LogStreamName: about.host,
            CloudWatchMetrics: [
              {
                Namespace: about.namespace,
                Dimensions: [dimensions],
                Metrics: metrics.map(({ name }) => ({ Name: name, Unit: unitOf(name) })),
              },
            ],
          },
          host: about.host,
          ...Object.fromEntries(labels),
          ...Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
        }),
      );
    }
    return documents;
  });
}

function unitOf(name: string): string {
  if (/_bytes(?:_total)?$/.test(name)) return 'Bytes';
  return name.endsWith('_total') ? 'Count' : 'None';
}
