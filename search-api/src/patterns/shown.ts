import type { Pattern } from '@millrace/core/patterns/miner.ts';
import type { SearchHit, Store } from '@millrace/core/store/port.ts';
import { Type } from 'typebox';
import type { Access } from '../access/access.ts';
import { HitSchema, hitOf } from '../hit.ts';
import type { Plan } from '../plan.ts';

/** What every answer tells of a pattern. */
export const patternProperties = {
  template: Type.String({ description: 'What its lines have in common: connection from <ip> closed' }),
  query: Type.String({ description: 'Finds its lines, and perhaps others of the same words' }),
  first: Type.String({ description: 'Time of the first line looked at' }),
  last: Type.String(),
  levels: Type.Record(Type.String(), Type.Integer()),
  example: Type.Union([HitSchema, Type.Null()], { description: 'null when it is gone since' }),
};

export function shownPattern(
  { template, query, firstMs, lastMs, levels, example }: Pattern<string>,
  examples: ReadonlyMap<string, ReturnType<typeof hitOf>>,
) {
  return {
    template,
    query,
    first: timeOf(firstMs),
    last: timeOf(lastMs),
    levels,
    example: examples.get(example) ?? null,
  };
}

/** The example of each pattern, as hits are shown, by event id; each plan has indices of its own. */
export async function examplesOf(
  store: Store,
  plans: readonly Plan[],
  patterns: readonly Pattern<string>[],
  access: Access,
  signal: AbortSignal,
): Promise<Map<string, ReturnType<typeof hitOf>>> {
  if (patterns.length === 0) return new Map();
  const values = patterns.map(({ example }) => example);
  const found = await Promise.all(
    plans.map(({ indices, query }) =>
      store.search(
        {
          indices,
          // By id alone, an event would be shown to whom it is kept from.
          query: { bool: { filter: [{ ids: { values } }, query] } },
          size: values.length,
          order: 'desc',
          trackTotal: 0,
          highlight: false,
        },
        signal,
      ),
    ),
  );
  return new Map(found.flatMap(({ hits }) => hits.map((hit: SearchHit) => [hit.id, hitOf(hit, access)])));
}

function timeOf(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : '';
}
