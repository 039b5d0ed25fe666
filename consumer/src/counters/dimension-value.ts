/**
 * Characters of a dimension's value. CloudWatch takes 1,024 of a value, printable ASCII, not only spaces:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
 */
const charactersMax = 255;

/** What stands for events that have no such field, and for those of too many combinations. */
export const noValue = 'none';
export const otherValue = 'other';

/** A value as CloudWatch takes it. */
export function dimensionValue(value: string | number | bigint | boolean | undefined): string {
  const text = value === undefined ? '' : String(value).slice(0, charactersMax);
  const plain = text.replace(/[\ud800-\udbff][\udc00-\udfff]|[^\x20-\x7e]/g, '?').trim();
  return plain === '' ? noValue : plain;
}
