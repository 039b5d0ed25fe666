import type { EventTime } from '@millrace/core/parse/parsed.ts';

/**
 * Writes times in a strftime format: Y y m d e H I M S L N (with width: 3N, 6N, 9N) z Z p j a A b B s F T %.
 * `zone` is an IANA name or ±HH:MM. Unknown letters stay as they are.
 */
export function compileStrftime(format: string, zone: string): (time: EventTime) => string {
  const locale = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    weekday: 'short',
    timeZoneName: 'longOffset',
  });
  const whole = format.replaceAll('%F', '%Y-%m-%d').replaceAll('%T', '%H:%M:%S');
  let lastSeconds = Number.NaN;
  let lastParts: Record<string, string> = {};
  return (time) => {
    if (time.seconds !== lastSeconds) {
      lastParts = lettersOf(locale, time.seconds);
      lastSeconds = time.seconds;
    }
    const nanos = String(time.nanos).padStart(9, '0');
    return whole.replace(/%(\d?)([A-Za-z%])/g, (directive, width: string, letter: string) => {
      if (letter === 'N') return nanos.slice(0, Number(width || 9));
      if (letter === 'L') return nanos.slice(0, 3);
      return lastParts[letter] ?? directive;
    });
  };
}

const months = 'January,February,March,April,May,June,July,August,September,October,November,December'.split(
  ',',
);
const days = 'Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday'.split(',');

function lettersOf(locale: Intl.DateTimeFormat, seconds: number): Record<string, string> {
  const part = Object.fromEntries(
    locale.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]),
  );
  const { year = '', month = '', day = '', hour = '', minute = '', second = '', timeZoneName = '' } = part;
  const offset = timeZoneName.replace('GMT', '').replace(':', '') || '+0000';
  const date = Date.UTC(+year, +month - 1, +day);
  const dayOfYear = (date - Date.UTC(+year, 0, 0)) / 86_400_000;
  const monthName = months[+month - 1] ?? '';
  const dayName = days[new Date(date).getUTCDay()] ?? '';
  return {
    Y: year,
    y: year.slice(-2),
    m: month,
    d: day,
    e: String(+day).padStart(2),
    H: hour,
    I: String(+hour % 12 || 12).padStart(2, '0'),
    p: +hour < 12 ? 'AM' : 'PM',
    M: minute,
    S: second,
    j: String(dayOfYear).padStart(3, '0'),
    z: offset,
    Z: offset === '+0000' ? 'UTC' : offset,
    a: dayName.slice(0, 3),
    A: dayName,
    b: monthName.slice(0, 3),
    B: monthName,
    s: String(seconds),
    '%': '%',
  };
}
