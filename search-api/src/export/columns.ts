import { resolveField } from '@millrace/core/query/fields.ts';

/** One column of an export: a name as hits and queries have it. */
export interface Column {
  name: string;
  read(id: string, source: Record<string, unknown>): unknown;
}

export const defaultColumns = ['@timestamp', 'level', 'host', 'tag', 'file', 'message'];

/** `fields` once more, hidden ones too: a part of no export. */
const ofTheIndex = /^(?:fields|kv|kn)(?:\.|$)/;

/** The first place of a name that has a value counts, as in a query. */
export function columnOf(name: string): Column {
  if (name === 'id' || name === 'event.id' || name === '_id') return { name, read: (id) => id };
  if (name === 'generation') return { ...columnOf('event.generation'), name };
  if (name === 'fields') return { name, read: (_, source) => source.fields };
  const places = resolveField(name).map((target) =>
    target.in === 'known' ? target.field.name.split('.') : ['fields', ...target.name.split('.')],
  );
  // What no mapping knows may still be ours, as `http.version` is.
  if (places.every(([first]) => first === 'fields') && !ofTheIndex.test(name)) places.push(name.split('.'));
  return {
    name,
    read: (_, source) => {
      for (const way of places) {
        const value = valueAt(source, way, 0);
        if (value !== undefined && value !== null) return value;
      }
      return undefined;
    },
  };
}

/** Objects may hold `a.b` as two levels or as one name. */
function valueAt(value: unknown, way: readonly string[], from: number): unknown {
  if (from === way.length) return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const members = value as Record<string, unknown>;
  for (let to = from + 1; to <= way.length; to++) {
    const name = to === from + 1 ? (way[from] ?? '') : way.slice(from, to).join('.');
    if (!Object.hasOwn(members, name)) continue;
    const found = valueAt(members[name], way, to);
    if (found !== undefined) return found;
  }
  return undefined;
}
