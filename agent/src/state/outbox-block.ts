import type { OutboxRow } from './database.ts';
import type { OutboxBlock } from './outbox.ts';

export function blockOf(row: Omit<OutboxRow, 'at'>, onDisk: boolean): OutboxBlock {
  const { seq, output, size, builtMs } = row;
  return { seq, output, size, builtMs, onDisk };
}

/** By generation, the lowest offset that is in one of these blocks. */
export function lowestOffsets(rows: Pick<OutboxRow, 'runs'>[]): Map<string, number> {
  const lowest = new Map<string, number>();
  for (const { generation, from } of rows.flatMap(({ runs }) => runs))
    lowest.set(generation, Math.min(from, lowest.get(generation) ?? from));
  return lowest;
}
