/** In bytes: on a laptop disk that is 91 % full, percentages would make the indices read-only. */
export const diskWatermarks = {
  'cluster.routing.allocation.disk.watermark.low': '2gb',
  'cluster.routing.allocation.disk.watermark.high': '1gb',
  'cluster.routing.allocation.disk.watermark.flood_stage': '500mb',
} as const;

/** Flat settings as an engine's configuration file. */
export function yaml(values: Record<string, string | number | boolean>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');
}
