/**
 * @typedef {Record<string, unknown> & {
 *   id: string, '@timestamp': string, message: string, tag?: string, host?: string, file?: string, offset?: number,
 *   level?: string, highlight?: [number, number][], fields?: Record<string, unknown>
 * }} Hit
 * @typedef {{took_ms: number, total: {value: number, relation: 'eq' | 'gte'}, hits: Hit[], next_cursor: string | null}} Page
 * @typedef {{interval_ms: number, from: string, to: string, buckets: {from: string, count: number}[]}} Histogram
 */

/** What the API said about a failure, or that it said nothing. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {string | undefined} hint
   */
  constructor(code, message, hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * @param {Record<string, string>} what
 * @param {AbortSignal} signal
 * @returns {Promise<Page>}
 */
export function fetchPage(what, signal) {
  return getJson('/api/v1/search', what, signal);
}

/**
 * @param {Record<string, string>} what
 * @param {AbortSignal} signal
 * @returns {Promise<Histogram>}
 */
export function fetchHistogram(what, signal) {
  return getJson('/api/v1/histogram', what, signal);
}

/**
 * @param {string} path
 * @param {Record<string, string>} parameters
 * @param {AbortSignal} signal
 */
async function getJson(path, parameters, signal) {
  let response;
  try {
    response = await fetch(`${path}?${new URLSearchParams(parameters)}`, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError(
      'OFFLINE',
      'The search API does not answer.',
      'It may be restarting: try again in a moment.',
    );
  }
  const body = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  const { code, message, hint } = body?.error ?? {};
  throw new ApiError(code ?? 'UNKNOWN', message ?? `The search API answered ${response.status}.`, hint);
}
