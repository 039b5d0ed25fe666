import { Type } from 'typebox';

/** `saved` of search-api.json. */
export const SavedConfigSchema = Type.Object(
  {
    /** Saved searches there may be. */
    max: Type.Integer({ default: 1_000, minimum: 1, maximum: 10_000 }),
  },
  { additionalProperties: false, default: {} },
);
