/** Integers beyond 2^53 are bigints. */
export type Leaf = string | number | bigint | boolean;

/** UTF-16 offsets, end exclusive. */
type Range = [start: number, end: number];

export interface Blotted {
  text: string;
  /** What was replaced, in order, by offsets of the text before; undefined: all of it. */
  cuts: Range[] | undefined;
}

/**
 * Replaces every place where a value stands in a text, also within longer words, and as JSON, CSV and addresses write
 * it. Where the text is JSON and a value stands in it in a way that is not found, the whole text is replaced.
 */
export function blot(text: string, values: readonly Leaf[], by: string): Blotted {
  const found: Range[] = [];
  const isJson = /^\s*[{[]/.test(text);
  for (const value of new Set(values)) {
    if (value === '') continue;
    const places = [...placesOf(text, value)];
    if (places.length === 0 && isJson) return { text: by, cuts: undefined };
    found.push(...places);
  }
  const cuts = merged(found);
  let blotted = '';
  let at = 0;
  for (const [start, end] of cuts) {
    blotted += text.slice(at, start) + by;
    at = end;
  }
  return { text: blotted + text.slice(at), cuts };
}

/** Where ranges of the text before are in the text after; those that touch what was replaced are dropped. */
export function movedRanges(ranges: readonly Range[], { cuts }: Blotted, by: string): Range[] {
  if (cuts === undefined) return [];
  return ranges.flatMap(([start, end]): Range[] => {
    let moved = 0;
    for (const [from, to] of cuts) {
      if (from >= end) break;
      if (to > start) return [];
      moved += by.length - (to - from);
    }
    return [[start + moved, end + moved]];
  });
}

function* placesOf(text: string, value: Leaf): Generator<Range> {
  for (const form of formsOf(String(value))) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) yield [at, at + form.length];
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') return;
  const size = Number(value);
  // 007 and 2.50 are the numbers 7 and 2.5.
  for (const match of text.matchAll(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    if (Number(match[0]) === size) yield [match.index, match.index + match[0].length];
  }
}

/** A value as it is, and as JSON, CSV and addresses write it. */
function formsOf(value: string): Set<string> {
  const json = JSON.stringify(value).slice(1, -1);
  const ascii = json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new Set([
    value,
    json,
    json.replaceAll('/', '\\/'),
    ascii,
    ascii.replaceAll(/\\u[\da-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`),
    value.replaceAll('"', '""'),
    encodeURIComponent(value.toWellFormed()),
  ]);
}

/** In order, those that overlap or touch as one. */
function merged(ranges: Range[]): Range[] {
  const out: Range[] = [];
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}
