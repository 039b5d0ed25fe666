import { compareUtf8 } from '../match-values.ts';

/** Values of the fields that are counted by, and how many events have them. */
export interface Group {
  values: readonly string[];
  count: number;
}

/** Most combinations of values that one event is counted under. */
const combinationsMax = 10_000;

/**
 * Counts by values. Partial counts of several readers add up, so that the store may count what it has and the archive
 * be read for the rest.
 */
export class Groups {
  /** Events, those without a value among them. */
  total = 0;
  /** Whether there were more groups than are kept. */
  full = false;
  private readonly groups = new Map<string, Group>();
  private readonly groupsMax: number;

  constructor(groupsMax: number) {
    this.groupsMax = groupsMax;
  }

  add(values: readonly string[], count: number): void {
    const key = values.length === 1 ? String(values[0]) : JSON.stringify(values);
    const group = this.groups.get(key);
    if (group !== undefined) group.count += count;
    else if (this.groups.size < this.groupsMax) this.groups.set(key, { values: [...values], count });
    else this.full = true;
  }

  /** Counts one event under every combination of its values; one without a value of some field under none. */
  addEvent(lists: readonly (readonly string[])[]): void {
    this.total++;
    if (lists.length === 0 || lists.some((list) => list.length === 0)) return;
    const combinations = lists.reduce((product, list) => product * list.length, 1);
    if (combinations > combinationsMax) this.full = true;
    for (let i = 0; i < Math.min(combinations, combinationsMax); i++) {
      let rest = i;
      const values = lists.map((list) => {
        const value = list[rest % list.length] ?? '';
        rest = Math.floor(rest / list.length);
        return value;
      });
      this.add(values, 1);
    }
  }

  /** The most counted first, or last; where counts are equal by the values, first to last. */
  ranked(order: 'most' | 'rarest'): Group[] {
    const sign = order === 'most' ? -1 : 1;
    return [...this.groups.values()].sort(
      (a, b) => sign * (a.count - b.count) || compareValues(a.values, b.values),
    );
  }
}

function compareValues(a: readonly string[], b: readonly string[]): number {
  for (const [i, value] of a.entries()) {
    const order = compareUtf8(value, b[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}
