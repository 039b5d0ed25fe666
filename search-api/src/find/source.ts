import { Type } from '@fastify/type-provider-typebox';
import type { Access } from '../access/access.ts';
import { failure, Refused } from '../failure.ts';
import type { FindSource } from './finder.ts';

export const sourceParameter = Type.Union(
  [Type.Literal('hot'), Type.Literal('archive'), Type.Literal('auto')],
  {
    default: 'auto',
    description:
      'hot: the search store. archive: the archive. auto: both, the archive for what the store does not have',
  },
);

/** Where somebody may look: who lacks the scope `archive` gets what the store has. @throws Refused 403 */
export function allowedSource(source: FindSource, { scopes }: Access): FindSource {
  if (source === 'hot' || scopes.has('archive')) return source;
  if (source === 'auto') return 'hot';
  throw new Refused(
    failure(
      403,
      'forbidden',
      'FORBIDDEN',
      'this needs the scope archive',
      'use a key or a role that has it, or source=hot',
    ),
  );
}
