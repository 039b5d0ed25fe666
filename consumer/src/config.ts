import { BucketConfigSchema, writeConfigProperties } from '@millrace/archive/config.ts';
import { partBytesMin } from '@millrace/archive/object-store.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { type Static, Type } from 'typebox';
import { CountersConfigSchema } from './counters/config.ts';
import { IndexerConfigSchema } from './index/config.ts';

const closed = { additionalProperties: false } as const;
const Url = Type.String({ pattern: '^https?://[^\\s@]+$', maxLength: 1024 });
const Region = Type.String({ pattern: '^[a-z0-9-]{1,40}$' });
const milliseconds = (fallback: number, minimum: number, maximum = 86_400_000) =>
  Type.Integer({ default: fallback, minimum, maximum });

/** consumer.json. Every bound of the consumer is here; AWS credentials come from the environment. */
export const ConsumerConfigSchema = Type.Object(
  {
    /** Names the lease table, and with `_locks` appended the lock table. */
    application: Type.String({ default: 'millrace', pattern: '^[A-Za-z0-9_.-]{3,200}$' }),
    stream: Type.Object(
      {
        /** Kinesis stream name. */
        name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$' }),
        region: Region,
        endpoint: Type.Optional(Url),
        /** Pause between two reads of a shard; Kinesis allows five reads a second and shard. */
        read_interval_ms: milliseconds(200, 50, 60_000),
        /**
         * Enhanced fan-out: records are pushed (70 ms) through a consumer of the application's own, which Kinesis bills
         * per shard and hour and per byte. Without it shards are read in turns. Stand-ins of Kinesis have none.
         */
        fan_out: Type.Boolean({ default: false }),
      },
      closed,
    ),
    leases: Type.Object(
      {
        endpoint: Type.Optional(Url),
        /** Another worker takes over a shard whose worker was silent for this long. */
        failover_ms: milliseconds(10_000, 1_000, 600_000),
        /**
         * Leases that one worker holds at most; one of an open shard is a process of some 150 MB. Leases of shards that were
         * split or merged count too until the KCL removes them, after five minutes of one JVM's life: a bound near the number
         * of open shards would leave some of them unread.
         */
        shards_max: Type.Integer({ default: 256, minimum: 1, maximum: 1_000 }),
      },
      { ...closed, default: {} },
    ),
    archive: Type.Object(
      {
        ...BucketConfigSchema.properties,
        ...writeConfigProperties,
        /**
         * `blocks+ndjson`: beside every object a gzipped NDJSON object of its documents, for tools that want JSON (Athena,
         * Spark). Nothing of Millrace reads it.
         */
        layout: Type.Union([Type.Literal('blocks'), Type.Literal('blocks+ndjson')], { default: 'blocks' }),
        /**
         * Footers get a filter of the tokens in the records, by which searches pass over objects without the words that are
         * asked for: up to 2.5 % of their size, about 0.6 µs of CPU a line (docs/decisions/0009).
         */
        token_filter: Type.Boolean({ default: true }),
        /** How often the archive is looked after: NDJSON objects made, orphaned uploads removed. */
        keep_interval_ms: milliseconds(60_000, 100),
        /** An object is closed at this size, at this age, or when the shard had no record for `idle_ms_max`. */
        object_bytes_max: Type.Integer({ default: 64 * 1024 * 1024, minimum: 1024, maximum: 5 * 1024 ** 3 }),
        object_age_ms_max: milliseconds(300_000, 1_000),
        idle_ms_max: milliseconds(30_000, 100),
        /** Size of an upload's parts; an object that stays below is one request. */
        part_bytes: Type.Integer({ default: partBytesMin, minimum: partBytesMin, maximum: 64 * 1024 * 1024 }),
        /** Bytes that wait for S3 per shard; reading stops above. */
        buffer_bytes_max: Type.Integer({
          default: 48 * 1024 * 1024,
          minimum: 8 * 1024 * 1024,
          maximum: 2 ** 31,
        }),
        /** Objects open at a time per shard: one for each Millrace stream in use. */
        open_objects_max: Type.Integer({ default: 16, minimum: 1, maximum: 1_000 }),
        retry: Type.Object(
          { base_ms: milliseconds(200, 1), max_ms: milliseconds(10_000, 1) },
          { ...closed, default: {} },
        ),
      },
      closed,
    ),
    /** Millrace streams that are taken: names, `*` at the end matches any rest. Blocks of others are set aside. */
    streams: Type.Array(Type.String({ pattern: '^[a-z0-9_]*\\*?$', minLength: 1, maxLength: 100 }), {
      default: ['*'],
      minItems: 1,
      maxItems: 1_000,
    }),
    /** Records that are no Millrace blocks, see foreign-producers.md. */
    foreign: Type.Object(
      {
        /** `set_aside`: none of them becomes events. */
        mode: Type.Union([Type.Literal('index'), Type.Literal('set_aside')], { default: 'index' }),
        /** Millrace stream of their events. */
        stream: Type.String({ default: 'logs', pattern: '^[a-z0-9_]{1,100}$' }),
        /** Their tag; absent: `foreign.` and the Kinesis stream's name. */
        tag: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 })),
        /** WHATWG label of text that is no UTF-8; absent: such records are set aside. */
        encoding: Type.Optional(Type.String({ pattern: '^[a-z0-9_:-]{1,40}$' })),
        /** Bytes of one record's content, decompressed; a record with more is set aside. */
        content_bytes_max: Type.Integer({
          default: 32 * 1024 * 1024,
          minimum: 1024 * 1024,
          maximum: 256 * 1024 * 1024,
        }),
        /** Events of one record; a record with more is set aside. */
        events_max: Type.Integer({ default: 100_000, minimum: 1, maximum: 1_000_000 }),
      },
      { ...closed, default: {} },
    ),
    store: StoreConfigSchema,
    /** Further stores that the filler keeps whole from the archive, each under a name of its own. */
    stores: Type.Array(
      Type.Object({ name: Type.String({ pattern: '^[a-z0-9_]{1,40}$' }), store: StoreConfigSchema }, closed),
      { default: [], maxItems: 8 },
    ),
    index: Type.Object(
      {
        ...IndexerConfigSchema.properties,
        /** Live indexing gives up objects when the store takes nothing for this long; the filler comes later. */
        give_up_ms: milliseconds(120_000, 1_000),
      },
      { ...closed, default: {} },
    ),
    filler: Type.Object(
      {
        interval_ms: milliseconds(60_000, 100),
        /** Objects younger than this may still be indexed by the consumer that wrote them. */
        min_age_ms: milliseconds(60_000, 0),
        /** Marked objects remembered, so that they are not asked for again. */
        remember_max: Type.Integer({ default: 200_000, minimum: 1_000, maximum: 10_000_000 }),
        /** Bytes read from an object at a time. */
        read_bytes: Type.Integer({ default: 4 * 1024 * 1024, minimum: 1_048_576, maximum: 64 * 1024 * 1024 }),
      },
      { ...closed, default: {} },
    ),
    /** Objects that arrived in the last so many days are searchable; absent: all. */
    hot_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
    /** Deletes the indices of days that are over by so many whole days, once a day in one process of the fleet. */
    retention: Type.Object(
      {
        /** Absent: nothing is ever deleted. */
        days: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
        /** Time of day, UTC. */
        at: Type.String({ default: '03:00', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' }),
        /** false: only `millrace retention` does it. */
        enabled: Type.Boolean({ default: true }),
      },
      { ...closed, default: {} },
    ),
    /** Absent: nothing is counted. */
    counters: Type.Optional(CountersConfigSchema),
    http: Type.Object(
      {
        host: Type.String({ default: '127.0.0.1', minLength: 1 }),
        port: Type.Integer({ minimum: 0, maximum: 65_535 }),
      },
      closed,
    ),
    java: Type.Object(
      {
        bin: Type.String({ minLength: 1 }),
        /** Folder of the KCL's jars. */
        jars: Type.String({ minLength: 1 }),
        /** The KCL reads ahead some 10 MB a shard, and holds them twice more as text: it takes what a backlog needs. */
        heap_mb: Type.Integer({ default: 512, minimum: 64, maximum: 65_536 }),
      },
      closed,
    ),
    state_dir: Type.String({ minLength: 1 }),
    log_level: Type.Union(
      ['debug', 'info', 'warn', 'error'].map((level) => Type.Literal(level as 'info')),
      { default: 'info' },
    ),
    /** A block that is worked at for this long without any progress is tried once more, then set aside. */
    block_ms_max: milliseconds(20_000, 500, 600_000),
    /** A shard that must go (shutdown, moved lease) has this long to close objects and to be checkpointed. */
    drain_ms: milliseconds(12_000, 100, 600_000),
  },
  closed,
);

export type ConsumerConfig = Static<typeof ConsumerConfigSchema>;
