import { type ErrorCode, isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { Type } from 'typebox';
import type { Events } from './events.ts';

/** The body of every answer that is no success. */
export const ErrorSchema = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    hint: Type.Optional(Type.String()),
  }),
});

/** Codes of HTTP's own besides the closed list of MillraceError. */
type HttpCode = 'NOT_FOUND' | 'FORBIDDEN' | 'BUSY' | 'REQUEST_INVALID' | 'INTERNAL';

export interface Failure {
  status: number;
  event: keyof Events;
  body: { error: { code: ErrorCode | HttpCode; message: string; hint?: string } };
}

export function failure(
  status: number,
  event: keyof Events,
  code: ErrorCode | HttpCode,
  message: string,
  hint?: string,
): Failure {
  return { status, event, body: { error: { code, message, ...(hint === undefined ? {} : { hint }) } } };
}

export const routesHint =
  'GET /api/v1/search, /api/v1/histogram, /api/v1/ledger, /api/v1/replays, /healthz, /readyz, /metrics, or the page at /';

/** What is said about an error to a client: nothing of engines or stack traces, which are for the log. */
export function failureOf(error: unknown): Failure {
  if (isMillraceError(error, 'QUERY_INVALID'))
    return failure(400, 'query_refused', error.code, error.message, error.hint);
  if (isMillraceError(error, 'STORE_UNAVAILABLE'))
    return failure(
      503,
      'store_unavailable',
      error.code,
      'the search store does not answer',
      'try again in a moment; nothing is lost, indexing catches up by itself',
    );
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
