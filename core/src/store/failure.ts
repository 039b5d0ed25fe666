import { MillraceError } from '../errors.ts';

/** STORE_REJECTED with the HTTP status, so that a caller can tell a body that is too large from a bad one. */
export class StoreRejection extends MillraceError {
  readonly status: number;

  constructor(status: number, message: string, options: { hint?: string } = {}) {
    super('STORE_REJECTED', message, options);
    this.status = status;
  }
}

/** The store refused the request for its size (413): send less at once. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof StoreRejection && error.status === 413;
}

/** The point in time that was asked is gone: expired, closed, or its shards have moved or were deleted. */
export function isPointGone(error: unknown): boolean {
  return error instanceof StoreRejection && error.status === 404;
}

/**
 * Whether a refused request may be the fault of what it holds: too large, or not understood. Any other status (a
 * proxy's 404, 405, 415) speaks of the way to the store, and says nothing about documents.
 */
export function blamesBody(error: unknown): error is StoreRejection {
  return error instanceof StoreRejection && (error.status === 400 || error.status === 413);
}
