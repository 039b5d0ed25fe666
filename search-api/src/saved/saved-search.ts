import { Type } from 'typebox';
import { whatParameters } from '../plan.ts';

const closed = { additionalProperties: false } as const;
const { q, from, to, stream } = whatParameters;

/** What somebody saves: a question, and how the page shows its answer. */
const content = {
  name: Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' }),
  q,
  from,
  to,
  stream,
  source: Type.Optional(Type.Union([Type.Literal('hot'), Type.Literal('archive'), Type.Literal('auto')])),
  columns: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 100 })),
  view: Type.Optional(
    Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
      description: "The page's own: anything of up to 16 KiB",
    }),
  ),
};

export const SavedContentSchema = Type.Object(content, closed);
export type SavedContent = Type.Static<typeof SavedContentSchema>;

export const savedId = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });

export const SavedSearchSchema = Type.Object({
  id: savedId,
  ...content,
  owner: Type.String({ description: 'Who made it' }),
  updated: Type.String(),
  version: Type.String({ description: 'For If-Match' }),
});
export type SavedSearch = Type.Static<typeof SavedSearchSchema>;

/** A line of a file of saved searches: what another server exported, or somebody wrote. */
export const SavedLineSchema = Type.Object(
  {
    id: savedId,
    ...content,
    owner: Type.Optional(Type.String({ maxLength: 256 })),
    updated: Type.Optional(Type.String({ maxLength: 64 })),
    version: Type.Optional(Type.String({ maxLength: 128 })),
  },
  closed,
);
