import { type Static, Type } from 'typebox';

/** Where the archive is. AWS credentials come from the environment. */
export const BucketConfigSchema = Type.Object(
  {
    bucket: Type.String({ minLength: 1, maxLength: 255 }),
    region: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
    endpoint: Type.Optional(Type.String({ pattern: '^https?://[^\\s@]+$', maxLength: 1024 })),
    /** Folder in the bucket, `/` at the end; empty: its root. */
    prefix: Type.String({ default: '', pattern: '^([^\\u0000-\\u001f]{0,200}/)?$' }),
    request_timeout_ms: Type.Integer({ default: 30_000, minimum: 100, maximum: 600_000 }),
  },
  { additionalProperties: false },
);

export type BucketConfig = Static<typeof BucketConfigSchema>;
