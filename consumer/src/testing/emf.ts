import assert from 'node:assert/strict';
import { Compile } from 'typebox/schema';

/**
 * The schema of the Embedded Metric Format as its specification has it, titles and examples left out:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const units =
  '^(Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits|' +
  'Terabits|Percent|Count|Bytes\\/Second|Kilobytes\\/Second|Megabytes\\/Second|Gigabytes\\/Second|Terabytes\\/Second|' +
  'Bits\\/Second|Kilobits\\/Second|Megabits\\/Second|Gigabits\\/Second|Terabits\\/Second|Count\\/Second|None)$';

const definition = {
  type: 'object',
  required: ['Name'],
  properties: {
    Name: { type: 'string', pattern: '^(.*)$', minLength: 1, maxLength: 1024 },
    Unit: { type: 'string', pattern: units },
    StorageResolution: { type: 'integer', enum: [1, 60] },
  },
};

const directive = {
  type: 'object',
  required: ['Namespace', 'Dimensions', 'Metrics'],
  properties: {
    Namespace: { type: 'string', pattern: '^(.*)$', minLength: 1, maxLength: 1024 },
    Dimensions: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'array',
        minItems: 1,
        maxItems: 30,
        items: { type: 'string', pattern: '^(.*)$', minLength: 1, maxLength: 250 },
      },
    },
    Metrics: { type: 'array', items: definition },
  },
};

const document = Compile({
  type: 'object',
  required: ['_aws'],
  properties: {
    _aws: {
      type: 'object',
      required: ['Timestamp', 'CloudWatchMetrics'],
      properties: {
        Timestamp: { type: 'integer' },
        CloudWatchMetrics: { type: 'array', items: directive },
      },
    },
  },
});

/** A value of a metric. */
export interface Extracted {
  namespace: string;
  name: string;
  dimensions: Record<string, string>;
  /** Milliseconds since 1970. */
  timestamp: number;
  value: number;
}

interface Emf {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[];
  };
}

/**
 * What CloudWatch makes of a line of the log; nothing of one that is not in its format.
 * @throws AssertionError where it is meant to be, but CloudWatch would not take it
 */
export function metricsOf(line: string): Extracted[] {
  const root = (line.startsWith('{') ? JSON.parse(line) : {}) as Emf & Record<string, unknown>;
  if (!Object.hasOwn(root, '_aws')) return [];
  const fits: boolean = document.Check(root);
  assert.ok(fits, `${JSON.stringify(document.Errors(root))}: ${line}`);
  assert.ok(Buffer.byteLength(line) < 256 * 1024, 'one log event');
  const { Timestamp, CloudWatchMetrics } = root._aws;
  return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.map(({ Name }) => {
        assert.equal(typeof root[Name], 'number', line);
        const dimensions = names.map((name): [string, string] => {
          assert.match(name, /^(?!:)[\x20-\x7e]{1,250}$/);
          assert.match(String(root[name]), /^(?=.*[^ ])[\x20-\x7e]{1,1024}$/, line);
          assert.equal(typeof root[name], 'string', line);
          return [name, String(root[name])];
        });
        return {
          namespace: Namespace,
          name: Name,
          dimensions: Object.fromEntries(dimensions),
          timestamp: Timestamp,
          value: root[Name] as number,
        };
      }),
    ),
  );
}

/** Sums as CloudWatch's statistic `Sum` has them, by minute and dimensions: `N events tag=a,status=200 @28123`. */
export function sumsOf(lines: Iterable<string>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const line of lines)
    for (const { namespace, name, dimensions, timestamp, value } of metricsOf(line)) {
      const by = Object.entries(dimensions).map(([field, text]) => `${field}=${text}`);
      const key = `${namespace} ${name} ${by.join(',')} @${timestamp / 60_000}`;
      sums[key] = (sums[key] ?? 0) + value;
    }
  return sums;
}
