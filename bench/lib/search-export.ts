import { table } from './report.ts';
import { timed } from './timed-http.ts';

/** Rows a second of an export, by format, until the last byte has come. */
export async function exportRates(url: string, stream: string, rows: number): Promise<string[]> {
  const lines: (string | number)[][] = [];
  for (const [format, sort, more] of [
    ['csv', 'none', {}],
    ['csv', 'none', { gzip: 'true' }],
    ['ndjson', 'none', {}],
    ['csv', 'desc', {}],
  ] as const) {
    const parameters = new URLSearchParams({
      ...more,
      format,
      sort,
      stream,
      limit: String(rows),
      from: '2026-01-01',
      to: '2026-01-03',
      source: 'hot',
    });
    const { ms, status, bytes } = await timed(`${url}/api/v1/export?${parameters}`);
    if (status !== 200) throw new Error(`export ${format}: ${status}`);
    const name = 'gzip' in more ? `${format}, gzip` : format;
    const order = sort === 'none' ? 'as the store has them' : 'newest first';
    const rate = Math.round((rows / ms) * 1000).toLocaleString('en');
    lines.push([name, order, rate, `${(bytes / 1e6).toFixed(0)} MB`]);
  }
  return table([`export of ${rows.toLocaleString('en')} rows`, 'order', 'rows/s', 'sent'], lines);
}
