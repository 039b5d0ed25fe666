import { kvTerm, leavesMax, nameUnitsMax } from './containers.ts';

/**
 * The terms of `kv` for a document's `fields`, as the renderer made them: the store returns documents without their
 * containers. Of numbers beyond 2^53 the digits are those that JSON gives back.
 */
export function containerTerms(fields: unknown): string[] {
  const terms: string[] = [];
  let leaves = 0;
  const visit = (name: string, value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(name, item);
    } else if (typeof value === 'object' && value !== null) {
      for (const key of Object.keys(value)) visit(`${name}.${key}`, (value as Record<string, unknown>)[key]);
    } else if (
      value !== null &&
      value !== undefined &&
      ++leaves <= leavesMax &&
      name.length <= nameUnitsMax
    ) {
      terms.push(kvTerm(name, String(value)));
    }
  };
  if (typeof fields === 'object' && fields !== null) {
    for (const [name, value] of Object.entries(fields)) visit(name, value);
  }
  return terms;
}
