/** @param {number} value @param {number} width */
const pad = (value, width = 2) => String(value).padStart(width, '0');

/** Local time of day with milliseconds. @param {Date} date */
export function clockTime(date) {
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/** Local date, without the year when it is this one. @param {Date} date */
export function shortDate(date) {
  const day = `${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return date.getFullYear() === new Date().getFullYear() ? day : `${date.getFullYear()}-${day}`;
}

/** The value of a datetime-local input. @param {Date} date */
export function inputTime(date) {
  return `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${clockTime(date)}`;
}

/** Enough of a time for the axis of a histogram that is `spanMs` wide. @param {Date} date @param {number} spanMs */
export function axisTime(date, spanMs) {
  if (spanMs > 3 * 86_400_000) return shortDate(date);
  const minute = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (spanMs > 86_400_000) return `${shortDate(date)} ${minute}`;
  if (spanMs > 10 * 60_000) return minute;
  return spanMs > 10_000 ? `${minute}:${pad(date.getSeconds())}` : clockTime(date);
}

/** `1 day`, `30 s`. @param {number} ms */
export function widthText(ms) {
  for (const [unit, width] of /** @type {const} */ ([
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ]))
    if (ms >= width && ms % width === 0) return `${ms / width} ${unit}`;
  return `${ms} ms`;
}
