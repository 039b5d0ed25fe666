import { readFileSync } from 'node:fs';
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
