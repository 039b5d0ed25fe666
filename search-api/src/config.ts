import { readFileSync } from 'node:fs';
import { BucketConfigSchema } from '@millrace/archive/config.ts';
import { validateConfig } from '@millrace/core/config/validate.ts';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { StoreConfigSchema } from '@millrace/core/store/config.ts';
import { type Static, Type } from 'typebox';

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
         * its own name the address 127.0.0.1.
         */
        allowed_hosts: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), {
          default: [],
          maxItems: 100,
        }),
      },
      closed,
    ),
    store: StoreConfigSchema,
    /** Where the archive is, for the ledger; absent: there is none here. AWS credentials come from the environment. */
    archive: Type.Optional(BucketConfigSchema),
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
  return validateConfig(SearchApiConfigSchema, value, file);
}
