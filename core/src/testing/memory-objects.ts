import type { ObjectCabinet, StoredObject } from '../store/objects.ts';

/** Objects in memory, with the versions and the order of a real store. */
export function memoryObjects(): ObjectCabinet {
  const kinds = new Map<string, Map<string, StoredObject>>();
  let writes = 0;
  const of = (kind: string) => {
    const objects = kinds.get(kind) ?? new Map<string, StoredObject>();
    kinds.set(kind, objects);
    return objects;
  };
  const expected = (stored: StoredObject | undefined, expect: string | undefined) =>
    expect === undefined || stored?.version === (expect === 'new' ? undefined : expect);
  return {
    get: async (kind, id) => structuredClone(of(kind).get(id)),
    async put(kind, id, value, expect) {
      if (!expected(of(kind).get(id), expect)) return undefined;
      const version = `${++writes}.1`;
      of(kind).set(id, { id, version, value: JSON.parse(JSON.stringify(value)) as unknown });
      return version;
    },
    async list(kind, { after = '', size }) {
      const listed = [...of(kind).values()].filter(({ id }) => id > after);
      return structuredClone(listed.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, size));
    },
    delete: async (kind, id, expect) => expected(of(kind).get(id), expect) && of(kind).delete(id),
  };
}
