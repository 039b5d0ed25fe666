/**
 * Puts the time into a path's placeholders, as fluentd does: %Y %m %d %H %M %S %j and %%.
 * `zone` is an IANA name or ±HH:MM.
 */
export function expandTime(path: string, nowMs: number, zone: string): string {
  if (!path.includes('%')) return path;
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  );
  const { year = '', month = '', day = '', hour = '', minute = '', second = '' } = parts;
  const dayOfYear = (Date.UTC(+year, +month - 1, +day) - Date.UTC(+year, 0, 0)) / 86_400_000;
  const values: Record<string, string> = {
    Y: year,
    m: month,
    d: day,
    H: hour,
    M: minute,
    S: second,
    j: String(dayOfYear).padStart(3, '0'),
    '%': '%',
  };
  return path.replace(/%([YmdHMSj%])/g, (_, letter: string) => values[letter] ?? '');
}
