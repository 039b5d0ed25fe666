import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false } as const;

const NodeUrlSchema = Type.String({
  // No user info: passwords in addresses end up in logs. `auth` is for them.
  pattern: '^https?://[^\\s@/?#]+(/[^\\s@?#]*)?$',
  maxLength: 1024,
});

/** Where the search store is and how to talk to it; the same keys for every engine. */
export const StoreConfigSchema = Type.Object(
  {
    /** The engine behind `node`; one adapter each. */
    type: Type.Union([Type.Literal('opensearch'), Type.Literal('elasticsearch')]),
    /** Address of a node, or a list of them, tried in turn: `https://search-1:9200`. */
    node: Type.Union([NodeUrlSchema, Type.Array(NodeUrlSchema, { minItems: 1, maxItems: 64 })]),
    /** Username and password; or an API key (Elasticsearch); or AWS signatures (OpenSearch, managed or serverless). */
    auth: Type.Optional(
      Type.Object(
        {
          username: Type.Optional(Type.String({ minLength: 1 })),
          password: Type.Optional(Type.String({ minLength: 1 })),
          /** As Elasticsearch gives it out in `encoded`: base64 of `id:key`. */
          api_key: Type.Optional(Type.String({ minLength: 1 })),
          /** Credentials come from the AWS SDK's usual places. */
          type: Type.Optional(Type.Literal('aws')),
          region: Type.Optional(Type.String({ pattern: '^[a-z0-9-]{1,40}$' })),
          /** `es` for domains, the default; `aoss` for serverless collections. */
          service: Type.Optional(Type.Union([Type.Literal('es'), Type.Literal('aoss')])),
        },
        closed,
      ),
    ),
    tls: Type.Optional(
      Type.Object(
        {
          /** PEM file of the authority that signed the nodes' certificates. */
          ca_file: Type.Optional(Type.String({ minLength: 1 })),
          /** false takes any certificate: for trying things out only. */
          verify: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    ),
    /** A call without a complete answer after this time has failed, milliseconds. */
    request_timeout_ms: Type.Integer({ minimum: 100, maximum: 600_000, default: 30_000 }),
    /** An answer with more bytes is broken off: it would have to fit in memory. */
    answer_bytes_max: Type.Integer({ minimum: 1_048_576, maximum: 512_000_000, default: 256_000_000 }),
    /** Settings of indices made from now on; existing indices keep theirs. */
    index: Type.Object(
      {
        shards: Type.Integer({ minimum: 1, maximum: 1024, default: 1 }),
        /** Copies of each shard: a number, or a range such as `0-1` that follows the number of nodes. */
        replicas: Type.Union(
          [Type.Integer({ minimum: 0, maximum: 16 }), Type.String({ pattern: '^\\d{1,2}-(\\d{1,2}|all)$' })],
          { default: '0-1' },
        ),
        /**
         * How soon an indexed event can be found. `auto`: within a second while the index is searched; after half a minute
         * without a search the next one waits until all that was indexed can be found.
         */
        refresh_interval: Type.String({ pattern: '^(auto|[1-9]\\d{0,6}(ms|s|m)|-1)$', default: 'auto' }),
        /** How documents are compressed (docs/stores.md); the last two: OpenSearch with its custom-codecs plugin. */
        codec: Type.Union(
          [
            Type.Literal('best_compression'),
            Type.Literal('default'),
            Type.Literal('zstd'),
            Type.Literal('zstd_no_dict'),
          ],
          { default: 'best_compression' },
        ),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
);

export type StoreConfig = Static<typeof StoreConfigSchema>;
