import { type ErrorCode, isMillraceError, type MillraceError, messageOf } from '@millrace/core/errors.ts';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import { Type } from 'typebox';
import type { Events } from './events.ts';

/** The body of every answer that is no success. */
export const ErrorSchema = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    hint: Type.Optional(Type.String()),
    at: Type.Optional(
      Type.Object(
        { start: Type.Integer(), end: Type.Integer() },
        { description: 'Where in q: UTF-16 offsets, end exclusive' },
      ),
    ),
  }),
});

/** Codes of HTTP's own besides the closed list of MillraceError; docs/errors.md has both. */
export const httpCodes = [
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'BUSY',
  'RATE_LIMITED',
  'REQUEST_INVALID',
  'CONFLICT',
  'LIMIT',
  'LOGIN_UNAVAILABLE',
  'INTERNAL',
] as const;

type HttpCode = (typeof httpCodes)[number];
type Place = NonNullable<MillraceError['at']>;

export interface Failure {
  status: number;
  event: keyof Events;
  body: { error: { code: ErrorCode | HttpCode; message: string; hint?: string; at?: Place } };
  headers?: Record<string, string>;
}

/** What a request is refused with, thrown by what has no reply at hand. */
export class Refused extends Error {
  readonly failure: Failure;

  constructor(refusal: Failure) {
    super(refusal.body.error.message);
    this.name = 'Refused';
    this.failure = refusal;
  }
}

export function failure(
  status: number,
  event: keyof Events,
  code: ErrorCode | HttpCode,
  message: string,
  hint?: string,
  { at, headers }: { at?: Place | undefined; headers?: Record<string, string> } = {},
): Failure {
  const error = {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(at === undefined ? {} : { at }),
  };
  return { status, event, body: { error }, ...(headers === undefined ? {} : { headers }) };
}

export const routesHint =
  'GET /api/v1/search, /api/v1/histogram, /api/v1/ledger, /api/v1/replays, /healthz, /readyz, /metrics, or the page at /';

/** What is said about an error to a client: nothing of engines or stack traces, which are for the log. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Refused) return error.failure;
  if (isMillraceError(error, 'QUERY_INVALID'))
    return failure(400, 'query_refused', error.code, error.message, error.hint, { at: error.at });
  if (isMillraceError(error, 'STORE_UNAVAILABLE'))
    return failure(
      503,
      'store_unavailable',
      error.code,
      'the search store does not answer',
      'try again in a moment; nothing is lost, indexing catches up by itself',
    );
  // A bound of ours, which the store was not even asked about: it says what to do.
  if (error instanceof StoreRejection && error.hint !== undefined)
    return failure(400, 'query_refused', 'QUERY_INVALID', error.message, error.hint);
  if (isMillraceError(error, 'STORE_REJECTED'))
    return failure(
      502,
      'store_rejected',
      error.code,
      'the search store refused the query',
      'ask for a shorter time or use fewer wildcards; the log of search-api has the reason',
    );
  if (isMillraceError(error, 'ARCHIVE_UNAVAILABLE'))
    return failure(
      503,
      'archive_unavailable',
      error.code,
      'the archive does not answer',
      'try again in a moment; the log of search-api has the reason',
    );
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  if (isMillraceError(error, 'DEADLINE') || code === 'FST_ERR_HANDLER_TIMEOUT')
    return failure(
      504,
      'deadline',
      'DEADLINE',
      'the search took too long',
      'ask for a shorter time, or for fewer wildcards',
    );
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return failure(statusCode, 'query_refused', 'REQUEST_INVALID', messageOf(error), routesHint);
  return failure(500, 'failed', 'INTERNAL', 'the request failed', 'the log of search-api has the reason');
}
