import { type Static, Type } from 'typebox';

/** How objects are written; for processes that write the archive. */
export const writeConfigProperties = {
  /** Storage class of archive objects. Classes that have to be restored before they are read are none of these. */
  storage_class: Type.Optional(
    Type.Union([
      Type.Literal('STANDARD'),
      Type.Literal('STANDARD_IA'),
      Type.Literal('ONEZONE_IA'),
      Type.Literal('INTELLIGENT_TIERING'),
      Type.Literal('GLACIER_IR'),
    ]),
  ),
  /** Key (id or ARN) of AWS KMS that encrypts everything written to the bucket; absent: as the bucket says. */
  sse_kms_key_id: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
  /** Tags of archive objects, for lifecycle rules and cost reports. */
  tags: Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.String({ maxLength: 256 }), {
    default: {},
    maxProperties: 10,
  }),
};

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

const WriteConfigSchema = Type.Object(writeConfigProperties);
export type WriteConfig = Static<typeof WriteConfigSchema>;
