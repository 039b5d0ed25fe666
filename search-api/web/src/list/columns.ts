import type { Hit } from '../api/types.ts';
import { fieldValue, textOf } from './values.ts';

export const usualColumns: readonly string[] = ['host.name', 'tag'];

/** Width of each column in characters: as wide as what the first rows have in it, within bounds. */
export function widthsOf(columns: readonly string[], hits: readonly Hit[]): number[] {
  const sample = hits.slice(0, 300);
  return columns.map((name) => {
    let width = Math.min(name.length + 4, 16);
    for (const hit of sample) width = Math.max(width, Math.min(30, textOf(fieldValue(hit, name)).length + 2));
    return width;
  });
}

/** The template of the grid: time, level, the columns, and the message with what is left. */
export function templateOf(widths: readonly number[], withDay: boolean): string {
  const time = withDay ? '20ch' : '14ch';
  return [`${time} 9ch`, ...widths.map((width) => `${width}ch`), 'minmax(30ch, 1fr)'].join(' ');
}

export function withColumn(columns: readonly string[], name: string): string[] {
  return columns.includes(name) ? columns.filter((item) => item !== name) : [...columns, name];
}
