import { isMillraceError, MillraceError, messageOf } from '../../errors.ts';
import { StoreRejection } from '../failure.ts';
import type { RetryCause } from '../port.ts';

/** What an engine says went wrong, out of whatever came back. */
export interface EngineError {
  type: string;
  reason: string;
}

/** `{type, reason}` of an answer's or an item's `error`, with the innermost reason, which names the cause. */
export function engineError(error: unknown): EngineError {
  if (!isRecord(error)) return { type: 'unknown', reason: typeof error === 'string' ? error : '' };
  const type = typeof error.type === 'string' ? error.type : 'unknown';
  const reasons: string[] = [];
  let inner: unknown = error;
  for (let depth = 0; isRecord(inner) && depth < 10; depth++) {
    if (typeof inner.reason === 'string') reasons.push(inner.reason);
    // Some causes are all in their type.
    else if (depth > 0 && typeof inner.type === 'string') reasons.push(inner.type);
    const causes: unknown = inner.root_cause;
    inner = inner.caused_by ?? (depth === 0 && Array.isArray(causes) ? causes[0] : undefined);
  }
  return { type, reason: [...new Set(reasons)].join(': ').slice(0, 1000) };
}

/**
 * Whether the same request may succeed later: overload, blocks (full disk, read-only index), a missing right,
 * the cluster's shard limit. Nothing of it is the document's fault.
 */
export function isPassing(status: number, error: EngineError): boolean {
  if (status === 401 || status === 403 || status === 404 || status === 408 || status === 429) return true;
  if (status >= 500) return true;
  if (error.type === 'validation_exception') return /maximum.*shards/.test(error.reason);
  return error.type === 'index_closed_exception' || error.type === 'cluster_block_exception';
}

/** A block has status 403 or 429, the shard limit 400: what they are is in the type. */
export function retryCause({ type }: EngineError): RetryCause | undefined {
  if (type === 'cluster_block_exception' || type === 'index_closed_exception') return 'block';
  return type === 'validation_exception' ? 'shards' : undefined;
}

/**
 * What the client threw or the engine answered, as one of our errors. Not its `cause`: the client's errors hold
 * the whole request, and a body of megabytes has no place in a log.
 */
export function storeError(what: string, error: unknown): MillraceError {
  if (isMillraceError(error)) return error;
  const meta = isRecord(error) && isRecord(error.meta) ? error.meta : undefined;
  const status = typeof meta?.statusCode === 'number' ? meta.statusCode : undefined;
  if (tooLarge.test(messageOf(error))) return answerRefused(what);
  // A broken answer says nothing about what the engine did: asking again is safe, all our writes are `create`.
  if (status === undefined || status < 400) return unavailable(what, messageOf(error));
  const body = meta?.body;
  const said = engineError(isRecord(body) ? body.error : body);
  const text = `${status} ${said.type} ${said.reason}`.trim();
  // 404 of a whole call is a missing path, not an index that will come.
  if (status !== 404 && isPassing(status, said)) {
    return unavailable(what, text, hintFor(status, said));
  }
  return new StoreRejection(status, `${what}: ${text}`);
}

/** As Elasticsearch's client says it. */
export function answerTooLarge(bytesMax: number): string {
  return `The content is bigger than the maximum allowed (${bytesMax})`;
}

const tooLarge = /^The content.* is bigger than the maximum allowed/;

function answerRefused(what: string): StoreRejection {
  return new StoreRejection(413, `${what}: the answer has more bytes than store.answer_bytes_max`, {
    hint: 'ask for fewer events at a time',
  });
}

function unavailable(what: string, text: string, hint?: string): MillraceError {
  return new MillraceError('STORE_UNAVAILABLE', `${what}: ${text}`, hint ? { hint } : {});
}

function hintFor(status: number, error: EngineError): string | undefined {
  if (status === 401) return 'check store.auth in the configuration';
  if (error.type === 'security_exception') return 'give the user of store.auth the right to do this';
  if (error.type === 'cluster_block_exception')
    return 'look at free disk space and index blocks of the engine';
  if (error.type === 'validation_exception')
    return 'raise cluster.max_shards_per_node, or delete old indices';
  // Of a gateway before the engine, such as that of AWS: it says no in words of its own.
  if (status === 403) return 'check store.auth in the configuration, and what its credentials may do';
  return undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
