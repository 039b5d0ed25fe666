import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;

/** Bounds of bulk indexing, of one shard's process or of the filler. */
export const IndexerConfigSchema = Type.Object(
  {
    /** Bytes of one `_bulk` body; a larger document is indexed in the fallback shape. AWS takes 10 MiB at least. */
    body_bytes_max: Type.Integer({ default: 5 * 1024 * 1024, minimum: 65_536, maximum: 90 * 1024 * 1024 }),
    /** Documents of one `_bulk` body. */
    body_documents_max: Type.Integer({ default: 10_000, minimum: 1, maximum: 100_000 }),
    /** `_bulk` requests that wait for their answer at a time. */
    requests_max: Type.Integer({ default: 3, minimum: 1, maximum: 64 }),
    /** Bytes of documents taken and not answered for; above, `add` waits. */
    queue_bytes_max: Type.Integer({ default: 32 * 1024 * 1024, minimum: 65_536, maximum: 2 ** 32 }),
    /** A request that is not full is sent when the one before it was sent so long ago. */
    flush_ms: Type.Integer({ default: 100, minimum: 0, maximum: 60_000 }),
    /** Index names new to a shard's process that it takes within an hour; events of further ones are set aside. */
    new_indices_max: Type.Integer({ default: 400, minimum: 1, maximum: 100_000 }),
    retry: Type.Object(
      {
        base_ms: Type.Integer({ default: 200, minimum: 1, maximum: 600_000 }),
        max_ms: Type.Integer({ default: 10_000, minimum: 1, maximum: 600_000 }),
      },
      { ...closed, default: {} },
    ),
    /** Events named in one mark; further ones are counted only. */
    exceptions_max: Type.Integer({ default: 1_000, minimum: 0, maximum: 100_000 }),
  },
  { ...closed, default: {} },
);

export type IndexerConfig = Static<typeof IndexerConfigSchema>;
