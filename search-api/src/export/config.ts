import { Type } from 'typebox';

/** `export` of search-api.json. */
export const ExportConfigSchema = Type.Object(
  {
    /** Events of one export, at most. */
    rows_max: Type.Integer({ default: 10_000_000, minimum: 1, maximum: 1_000_000_000 }),
    /** Exports at a time; more are answered 429. */
    running_max: Type.Integer({ default: 4, minimum: 1, maximum: 100 }),
    /** Pages that an export reads at a time, about 8 MiB of documents each. */
    parallel: Type.Integer({ default: 2, minimum: 1, maximum: 16 }),
    /** An export that takes longer is broken off. */
    time_ms_max: Type.Integer({ default: 6 * 3_600_000, minimum: 1_000, maximum: 7 * 86_400_000 }),
  },
  { additionalProperties: false, default: {} },
);
