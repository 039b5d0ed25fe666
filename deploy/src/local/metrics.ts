/** The values of all series of each metric in a Prometheus text, by the metric's name. */
export function metricValues(text: string): Map<string, number[]> {
  const values = new Map<string, number[]>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line);
    const value = Number(match?.[2]);
    const name = match?.[1];
    if (name === undefined || !Number.isFinite(value)) continue;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}
