import { readFileSync } from 'node:fs';
import { BucketConfigSchema } from '@millrace/archive/config.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { type Static, Type } from 'typebox';
import { AccessConfigSchema, checkAccess } from './access/config.ts';
import { AlertsConfigSchema } from './alerts/config.ts';
import { ArchiveSearchConfigSchema } from './archive/config.ts';
import { ExportConfigSchema } from './export/config.ts';
import { SavedConfigSchema } from './saved/config.ts';
import { TailConfigSchema } from './tail/config.ts';

const closed = { additionalProperties: false } as const;

/** search-api.json. */
export const SearchApiConfigSchema = Type.Object(
  {
    http: Type.Object(
      {
        host: Type.String({ default: '127.0.0.1', minLength: 1 }),
        port: Type.Integer({ minimum: 0, maximum: 65_535 }),
        /**
         * Host names, without port, by which a server on loopback may be called besides localhost: those of a
         * reverse proxy on the same machine. Others are refused, or any web page could read the logs by giving
         * its own name the address 127.0.0.1. A server that listens elsewhere is called by any name, unless names are
         * listed: in a container it has to listen elsewhere, though its port may be published on loopback only.
         */
        allowed_hosts: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), {
          default: [],
          maxItems: 100,
        }),
        /** Path below which a reverse proxy shows this server, /logs; it may take it off or leave it on. */
        base_path: Type.String({ default: '', pattern: '^(/[A-Za-z0-9_-][A-Za-z0-9._~-]{0,63}){0,8}$' }),
        /** Scheme, host and port that browsers have in front of the base path: https://logs.example.com. */
        public_url: Type.Optional(Type.String({ pattern: '^https?://[A-Za-z0-9.:\\[\\]-]{1,300}$' })),
        /** Addresses or networks of reverse proxies whose x-forwarded-for, -proto and -host are believed. */
        trusted_proxies: Type.Array(Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}(/\\d{1,3})?$' }), {
          default: [],
          maxItems: 100,
        }),
        /**
         * Proxies in a row that are believed at most; absent: as many as `trusted_proxies` names. A balancer in the network
         * of its clients needs 1: it appends who asked it, and what stands before that is what the client says of itself.
         */
        trusted_hops: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
        /**
         * A connection without a request is closed after this. A load balancer in front has to give up earlier, or it
         * sends requests into connections that end.
         */
        keep_alive_ms: Type.Integer({ default: 72_000, minimum: 1_000, maximum: 4_000_000 }),
      },
      closed,
    ),
    /** Who may do and see what; absent: everybody who reaches the server, which then has to be on loopback. */
    access: Type.Optional(AccessConfigSchema),
    rate_limit: Type.Object(
      {
        /** Requests of one key or user; of one address, where nobody is known. Loopback without access has no limit. */
        per_minute: Type.Integer({ default: 1_200, minimum: 1, maximum: 1_000_000 }),
        /** Wrong keys from one address. */
        failures_per_minute: Type.Integer({ default: 30, minimum: 1, maximum: 1_000_000 }),
        /** Subjects and addresses that are counted at a time; the one not heard of for longest is forgotten first. */
        subjects_max: Type.Integer({ default: 10_000, minimum: 100, maximum: 1_000_000 }),
      },
      { ...closed, default: {} },
    ),
    audit: Type.Object(
      {
        /** Gets the audit log's lines too, as JSON; may be rotated at any time. */
        file: Type.Optional(Type.String({ minLength: 1 })),
      },
      { ...closed, default: {} },
    ),
    store: StoreConfigSchema,
    /** Where the archive is; absent: there is none here. AWS credentials come from the environment. */
    archive: Type.Optional(BucketConfigSchema),
    archive_search: ArchiveSearchConfigSchema,
    ledger: Type.Object(
      {
        /** An answer is given again for so long. */
        fresh_ms: Type.Integer({ default: 15_000, minimum: 0, maximum: 3_600_000 }),
        /** Files of a stream that one ledger has room for, about 3 KB each. */
        files_max: Type.Integer({ default: 100_000, minimum: 1, maximum: 10_000_000 }),
        /** Footers kept between two readings, rough bytes. */
        memory_bytes_max: Type.Integer({
          default: 64 * 1024 * 1024,
          minimum: 1024 * 1024,
          maximum: 2 ** 36,
        }),
      },
      { ...closed, default: {} },
    ),
    /** Replays of the archive that are asked for through the API; absent: none are carried out. */
    replays: Type.Optional(
      Type.Object(
        {
          /** The consumer's configuration: its archive is replayed into its store. */
          config: Type.String({ minLength: 1 }),
          /** The consumer's program; absent: the one beside this. */
          program: Type.Optional(Type.String({ minLength: 1 })),
          /** Folder for what is asked for and how far it is. */
          state_dir: Type.String({ minLength: 1 }),
          /** Replays that wait while one runs; more are answered 429. */
          queue_max: Type.Integer({ default: 16, minimum: 0, maximum: 1_000 }),
          /** Ended replays that are still told of. */
          kept_max: Type.Integer({ default: 100, minimum: 1, maximum: 10_000 }),
        },
        closed,
      ),
    ),
    /** What one search may cost. */
    limits: Type.Object(
      {
        /** The store stops a search then; what it has found is the answer, marked as partial. */
        query_ms_max: Type.Integer({ default: 10_000, minimum: 10, maximum: 600_000 }),
        /** Rows of one page. */
        rows_max: Type.Integer({ default: 1_000, minimum: 1, maximum: 9_999 }),
        /** Hits are counted exactly up to this many. */
        total_max: Type.Integer({ default: 10_000, minimum: 0, maximum: 1_000_000_000 }),
        /** Groups that a query's pipes count at a time, and rows of a table. */
        groups_max: Type.Integer({ default: 10_000, minimum: 1, maximum: 20_000 }),
        /** Events that `sort` or `dedup` of one query hold in memory. */
        held_max: Type.Integer({ default: 10_000, minimum: 1, maximum: 1_000_000 }),
        /** Rough bytes of those events. */
        held_bytes_max: Type.Integer({ default: 64 * 1024 * 1024, minimum: 1024, maximum: 2 ** 34 }),
        /** Events that are read for pipes that the store cannot count by itself. */
        events_max: Type.Integer({ default: 1_000_000, minimum: 1, maximum: 100_000_000 }),
        /**
         * Points in time that are open in the store, for who pages; the one that was not used for longest is closed for
         * the next. A point holds a context on each shard; OpenSearch allows 300 a node.
         */
        points_max: Type.Integer({ default: 20, minimum: 0, maximum: 10_000 }),
        /** A point that nobody used for so long is gone. */
        point_keep_ms: Type.Integer({ default: 300_000, minimum: 1_000, maximum: 3_600_000 }),
        /** Fields of one request for facets. */
        facet_fields_max: Type.Integer({ default: 20, minimum: 1, maximum: 20 }),
        /** Values of one field that are named; the others are counted together. */
        facet_values_max: Type.Integer({ default: 100, minimum: 1, maximum: 500 }),
        /** Newest events in which the names of fields are looked for. */
        fields_sample_max: Type.Integer({ default: 500, minimum: 1, maximum: 10_000 }),
        /** Names of fields in one answer. */
        fields_max: Type.Integer({ default: 1_000, minimum: 50, maximum: 100_000 }),
        /** Events looked at for quantiles of numbers that have no mapping. */
        stats_sample_max: Type.Integer({ default: 5_000, minimum: 100, maximum: 100_000 }),
        /** Events looked at for patterns, and for two times that are compared; of more, some of each time. */
        patterns_sample_max: Type.Integer({ default: 50_000, minimum: 100, maximum: 1_000_000 }),
        /** Reading events for patterns should take so long; of a slow store fewer are looked at, but 2,500 anyway. */
        patterns_ms: Type.Integer({ default: 800, minimum: 10, maximum: 600_000 }),
        /** Patterns kept while they are looked for. */
        patterns_max: Type.Integer({ default: 2_000, minimum: 100, maximum: 100_000 }),
      },
      { ...closed, default: {} },
    ),
    alerts: AlertsConfigSchema,
    export: ExportConfigSchema,
    saved: SavedConfigSchema,
    /** How old each part of `/api/v1/status` may be; it is read anew when somebody asks after that. */
    status: Type.Object(
      {
        streams_fresh_ms: Type.Integer({ default: 3_000, minimum: 100, maximum: 3_600_000 }),
        archive_fresh_ms: Type.Integer({ default: 15_000, minimum: 100, maximum: 3_600_000 }),
        gaps_fresh_ms: Type.Integer({ default: 60_000, minimum: 100, maximum: 86_400_000 }),
      },
      { ...closed, default: {} },
    ),
    tail: TailConfigSchema,
    /** A request without an answer after this time is given up, in the store too. */
    request_timeout_ms: Type.Integer({ default: 30_000, minimum: 100, maximum: 600_000 }),
    /** Searches and histograms at a time; more are answered 429. */
    requests_max: Type.Integer({ default: 64, minimum: 1, maximum: 10_000 }),
    log_level: Type.Union(
      [Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')],
      { default: 'info' },
    ),
  },
  closed,
);

export type SearchApiConfig = Static<typeof SearchApiConfigSchema>;

/** @throws MillraceError CONFIG_INVALID: not readable, not JSON, or not what the schema asks for */
export function loadConfig(file: string): SearchApiConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const what = cause instanceof SyntaxError ? 'not JSON: ' : '';
    throw new MillraceError('CONFIG_INVALID', `${file}: ${what}${messageOf(cause)}`, { cause });
  }
  const config = validateConfig(SearchApiConfigSchema, value, file);
  const { trusted_proxies: proxies, trusted_hops: hops } = config.http;
  if (hops !== undefined && proxies.length === 0)
    throw new MillraceError('CONFIG_INVALID', `${file}: /http/trusted_hops: nobody is in trusted_proxies`, {
      hint: 'name the networks that the proxies stand in, or leave trusted_hops out',
    });
  checkAccess(config.http, config.access, file);
  return config;
}
