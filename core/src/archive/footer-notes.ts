import type { ControlEntry } from '../wire/control.ts';
import type { DatedStretch, FooterControl } from './footer.ts';

/** The newest of what agents say, while an object is written: it grows with agents and files, not with time. */
export class ControlNotes {
  readonly #agents = new Map<string, Said>();
  /** Rough bytes of what is kept. */
  weight = 0;

  add(host: string, agent: Uint8Array, entries: ControlEntry[]): void {
    const key = `${Buffer.from(agent).toString('latin1')}${host}`;
    let said = this.#agents.get(key);
    if (said === undefined) {
      said = { host, agent: Buffer.from(agent), entries: new Map() };
      this.#agents.set(key, said);
      this.weight += 32 + host.length;
    }
    for (const entry of entries) this.#take(said, entry);
  }

  list(): FooterControl[] {
    return [...this.#agents.values()].map(({ host, agent, entries }) => ({
      host,
      agent,
      entries: [...entries.values()],
    }));
  }

  #take(said: Said, entry: ControlEntry): void {
    const key = keyOf(entry);
    const before = said.entries.get(key);
    if (before !== undefined && before.atMs > entry.atMs) return;
    if (before === undefined) this.weight += 'path' in entry ? 40 + entry.path.length + entry.tag.length : 8;
    said.entries.set(key, entry);
  }
}

interface Said {
  host: string;
  agent: Uint8Array;
  /** By what a newer entry replaces. */
  entries: Map<string, ControlEntry>;
}

function keyOf(entry: ControlEntry): string {
  if (!('path' in entry)) return entry.kind;
  const generation = Buffer.from(entry.generation).toString('latin1');
  // Each is a loss of its own.
  if (entry.kind === 'vanished') return `v${generation}${entry.position}-${entry.size}`;
  return `s${generation}`;
}

/** Stretches of one source in one object; more are put together. */
const stretchesMax = 256;

/** As few stretches as say the same: neighbours of one date are one; too many become one of each date. */
export function mergedStretches(stretches: readonly DatedStretch[]): DatedStretch[] {
  const sorted = [...stretches].sort((a, b) => a.from - b.from || a.to - b.to);
  const merged: DatedStretch[] = [];
  for (const item of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && last.date === item.date && last.to === item.from) {
      last.to = item.to;
      last.events += item.events;
    } else merged.push({ ...item });
  }
  return merged.length <= stretchesMax ? merged : envelopes(merged);
}

function envelopes(stretches: readonly DatedStretch[]): DatedStretch[] {
  const dates = new Map<string, DatedStretch>();
  for (const item of stretches) {
    const known = dates.get(item.date);
    if (known === undefined) dates.set(item.date, { ...item });
    else {
      known.to = Math.max(known.to, item.to);
      known.events += item.events;
    }
  }
  return [...dates.values()];
}
