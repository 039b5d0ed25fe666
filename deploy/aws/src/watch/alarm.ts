import type { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';

/** An alarm as data; docs/aws.md has one row for each, with cause and cure. */
export interface AlarmSpec {
  /** Part of its name. */
  name: string;
  /** What it means, and where to look. */
  says: string;
  metric: IMetric;
  above?: number;
  below?: number;
  /** Periods in a row, or as many of the last `of`. */
  periods: number;
  of?: number;
  /** What no data means: usually that nothing happened. */
  missing?: 'fine' | 'bad';
}

/**
 * Two counts together. A plain sum would have a value only where both have one; but the newest minutes, that may have
 * no data yet, are filled with 0 too: ask for `periods` of some more.
 */
export function sumOf([one, two]: [IMetric, IMetric], period: Duration): MathExpression {
  return new MathExpression({
    expression: 'FILL(one, 0) + FILL(two, 0)',
    usingMetrics: { one, two },
    period,
  });
}
