const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Widths that people read easily, milliseconds. */
const ladder = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 28, 91, 182, 365].map((count) => count * day),
];

/** The narrowest round width that gives at most `buckets` over `spanMs`, or a little more at the ends. */
export function intervalFor(spanMs: number, buckets: number): number {
  const width = spanMs / buckets;
  return ladder.find((step) => step >= width) ?? Math.ceil(width / (365 * day)) * 365 * day;
}

const units: Record<string, number> = { ms: 1, s: second, m: minute, h: hour, d: day, w: 7 * day };

/** Milliseconds of `30s`, `5m`, `1d`; the form is checked by the caller's schema. */
export function intervalOf(text: string): number {
  const unit = text.replace(/^\d+/, '');
  return Number.parseInt(text, 10) * (units[unit] ?? 1);
}
