/** How people write times, numbers and sizes. `zone` undefined is the browser's own. */
export interface Manner {
  language: string;
  zone: string | undefined;
}

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter({ language, zone }: Manner, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${zone} ${JSON.stringify(options)}`;
  let made = cache.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(language, {
      ...options,
      ...(zone === undefined ? {} : { timeZone: zone }),
    });
    cache.set(key, made);
  }
  return made;
}

const two = '2-digit';
const clock = { hour: two, minute: two, second: two, fractionalSecondDigits: 3, hourCycle: 'h23' } as const;

/** Time of day with milliseconds, as a column of log lines has it: the same width in every language. */
export function clockTime(text: string, manner: Manner): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  return formatter({ ...manner, language: 'en-GB' }, clock).format(date);
}

/** Month and day, with digits alone. */
export function dayText(text: string, manner: Manner): string {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return '';
  const parts = formatter({ ...manner, language: 'en-CA' }, { year: 'numeric', month: two, day: two });
  return parts.format(date).slice(5);
}

/** A time as a sentence has it. */
export function fullTime(value: string | number, manner: Manner): string {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return String(value);
  return formatter(manner, { dateStyle: 'medium', timeStyle: 'medium' }).format(date);
}

/** From one time to another, the day said once where it is the same. */
export function spanOfTimes(fromMs: number, toMs: number, manner: Manner): string {
  const date = {
    month: 'short',
    day: 'numeric',
    hour: two,
    minute: two,
    second: two,
    hourCycle: 'h23',
  } as const;
  return formatter(manner, date).formatRange(fromMs, toMs);
}

/** Enough of a time for the axis of a chart that is `spanMs` wide. */
export function axisTime(ms: number, spanMs: number, manner: Manner): string {
  const date = new Date(ms);
  const day = { month: 'short', day: 'numeric' } as const;
  const minute = { hour: two, minute: two, hourCycle: 'h23' } as const;
  if (spanMs > 3 * 86_400_000) return formatter(manner, day).format(date);
  if (spanMs > 86_400_000) return formatter(manner, { ...day, ...minute }).format(date);
  if (spanMs > 10 * 60_000) return formatter(manner, minute).format(date);
  return formatter(manner, { ...minute, second: two }).format(date);
}

export function countText(value: number, { language }: Manner): string {
  return value.toLocaleString(language);
}

/** 12.3K, for places too narrow for all digits. */
export function shortCount(value: number, { language }: Manner): string {
  return Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

export function percentText(share: number, { language }: Manner): string {
  const digits = share > 0 && share < 0.01 ? 2 : share < 0.1 ? 1 : 0;
  return Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: digits }).format(share);
}

/** A number of a field, without digits that say nothing. */
export function numberText(value: number, { language }: Manner): string {
  return Intl.NumberFormat(language, { maximumSignificantDigits: 6 }).format(value);
}

export function bytesText(bytes: number, { language }: Manner): string {
  let value = bytes;
  let unit = 0;
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

/** `2m`, `1.5 s`: a stretch of time in the largest unit that says it. */
export function spanText(ms: number, { language }: Manner): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  const [unit, width] = units.find(([, size]) => ms >= size) ?? (['millisecond', 1] as const);
  const options = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 } as const;
  return Intl.NumberFormat(language, options).format(ms / width);
}

/** The value of a datetime-local input. */
export function inputTime(ms: number): string {
  const date = new Date(ms);
  const pad = (value: number, width = 2) => String(value).padStart(width, '0');
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}
