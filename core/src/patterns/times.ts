/**
 * Where a time ends that begins at `start`, its date, fraction and zone included; undefined when there is none. All
 * expressions are sticky and bounded.
 */
export function timeEnd(text: string, start: number, isDigit: boolean, to: number): number | undefined {
  if (!isDigit) return isNamedDay(text, start) ? match(named, text, start, to) : undefined;
  const third = text.charCodeAt(start + 2);
  if (third === 0x3a) return match(clock, text, start, to);
  if (third === 0x2f) return match(access, text, start, to);
  const fifth = text.charCodeAt(start + 4);
  return fifth === 0x2d || fifth === 0x2f || fifth === 0x2e ? match(iso, text, start, to) : undefined;
}

const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const fraction = String.raw`(?:[.,]\d{1,9})?`;
const zone = String.raw`(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?`;
const ends = String.raw`(?![\w.:-]\w|\w)`;

/** 2026-11-22, 2026-11-22T10:15:00.123+09:00, 2026/11/22 10:15:00 */
const iso = new RegExp(
  String.raw`\d{4}([-/.])\d\d\1\d\d(?:[T ]\d\d:\d\d(?::\d\d${fraction})?${zone})?${ends}`,
  'y',
);
/** 10:15:00,123 */
const clock = new RegExp(String.raw`\d\d:\d\d:\d\d${fraction}(?: [AP]M|${zone})${ends}`, 'y');
/** 22/Nov/2026:10:15:00 +0000 */
const access = new RegExp(
  String.raw`\d\d/(?:${months}|\d\d)/\d{4}[: ]\d\d:\d\d:\d\d${fraction}(?: [+-]\d{4})?${ends}`,
  'y',
);
/** Nov 22 10:15:00, Sun Nov 22 10:15:00.123456 2026 */
const named = new RegExp(
  String.raw`(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?(?:${months}) [ \d]?\d \d\d:\d\d:\d\d${fraction}(?: \d{4})?${ends}`,
  'y',
);

/** Three letters, a blank: cheap, for most words are neither day nor month. */
function isNamedDay(text: string, start: number): boolean {
  const unit = text.charCodeAt(start);
  if (unit < 0x41 || unit > 0x57) return false;
  const after = text.charCodeAt(start + 3);
  return after === 0x20 || after === 0x2c;
}

function match(pattern: RegExp, text: string, start: number, to: number): number | undefined {
  pattern.lastIndex = start;
  return pattern.test(text) && pattern.lastIndex <= to ? pattern.lastIndex : undefined;
}
