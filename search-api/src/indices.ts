import { civilFromDays, dayOf, daysFromCivil, daysInMonth } from '@millrace/core/parse/calendar.ts';

/** Engines take addresses of 4,096 bytes; the rest of it is the path's end and its parameters. */
const lengthMax = 3_000;

/** The last of the century that the engines' times end in: one pattern has all of it. */
const lastDay = daysFromCivil(2299, 12, 31);

/**
 * Patterns of the indices that events of a time may be in, by their names alone: daily `…-YYYY.MM.DD` and monthly
 * `…-YYYY.MM`, also those of replays, `…-replayed-…`. Undefined is open. A search of the last quarter of an hour need
 * not ask the shards of the last ninety days, and a point in time need not hold them.
 */
export function eventIndices(
  stream: string | undefined,
  fromNs: bigint | undefined,
  toNs: bigint | undefined,
): string[] {
  const everything = [`millrace-${stream ?? '*'}-*.*`];
  if (fromNs === undefined) return everything;
  // The star for any stream is one for its replays too.
  const names =
    stream === undefined ? ['millrace-*-'] : [`millrace-${stream}-`, `millrace-${stream}-replayed-`];
  const dates = dayPatterns(dayOfNs(fromNs), toNs === undefined ? lastDay : dayOfNs(toNs));
  const patterns = dates.flatMap((date) => names.map((name) => name + date));
  return patterns.join().length > lengthMax ? everything : patterns;
}

function dayOfNs(ns: bigint): number {
  return dayOf(Number(ns / 1_000_000_000n));
}

/** Days since 1970, inclusive; few patterns that match what lies between, and little else. */
function dayPatterns(from: number, to: number): string[] {
  const { year: first } = civilFromDays(from);
  const { year: last } = civilFromDays(to);
  const isWhole = (year: number) =>
    from <= daysFromCivil(year, 1, 1) && to >= daysFromCivil(year + 1, 1, 1) - 1;
  const patterns: string[] = [];
  for (let year = first; year <= last; ) {
    const span = [100, 10].find((width) => year % width === 0 && isWhole(year) && isWhole(year + width - 1));
    if (span !== undefined) patterns.push(`${pad(year, 4).slice(0, span === 100 ? 2 : 3)}*`);
    else if (isWhole(year)) patterns.push(`${pad(year, 4)}.*`);
    else patterns.push(...monthPatterns(year, from, to));
    year += span ?? 1;
  }
  return patterns;
}

function monthPatterns(year: number, from: number, to: number): string[] {
  const patterns: string[] = [];
  for (let month = 1; month <= 12; month++) {
    const begins = daysFromCivil(year, month, 1);
    const ends = begins + daysInMonth(year, month) - 1;
    if (ends < from || begins > to) continue;
    const text = `${pad(year, 4)}.${pad(month, 2)}`;
    if (from <= begins && to >= ends) patterns.push(`${text}*`);
    // The month's own index too: of events that came long after they happened.
    else
      patterns.push(
        text,
        ...datePatterns(text, Math.max(from, begins) - begins, Math.min(to, ends) - begins),
      );
  }
  return patterns;
}

/** `from` and `to` from 0 within the month. */
function datePatterns(month: string, from: number, to: number): string[] {
  const patterns: string[] = [];
  for (let day = from + 1; day <= to + 1; ) {
    const wholeTen = day % 10 === 0 && day + 9 <= to + 1;
    patterns.push(wholeTen ? `${month}.${day / 10}*` : `${month}.${pad(day, 2)}`);
    day += wholeTen ? 10 : 1;
  }
  return patterns;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
