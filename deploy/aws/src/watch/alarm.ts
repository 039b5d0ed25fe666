import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';

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
