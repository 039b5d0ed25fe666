import { MillraceError } from '../../errors.ts';
import { StoreRejection } from '../failure.ts';
import { type EngineError, engineError, isRecord } from './errors.ts';
import type { Call } from './transport.ts';

/**
 * What goes with every search. A shard that does not answer fails it: half an answer that looks whole is worse. An
 * engine that may stop by time must be allowed partial answers, or it fails then too, and OpenSearch says with 500
 * that time ran out on all shards; `cutOrWhole` takes care of the rest.
 */
export function wholeOptions(timeMsMax: number | undefined): Required<Pick<Call, 'query' | 'accept'>> {
  const bounded = timeMsMax !== undefined;
  return { query: { allow_partial_search_results: bounded }, accept: bounded ? [500] : [] };
}

/** The member of a search's body that bounds its time. */
export function timeBound(timeMsMax: number | undefined): { timeout?: string } {
  return timeMsMax === undefined ? {} : { timeout: `${Math.max(1, Math.floor(timeMsMax))}ms` };
}

/**
 * Whether the engine stopped by time.
 * @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED when a shard is missing for any other reason
 */
export function cutOrWhole(what: string, body: Record<string, unknown>): { cut?: true } {
  if (body.error !== undefined) {
    const causes = isRecord(body.error) ? reasonsOf(body.error.root_cause) : [];
    if (causes.length > 0 && causes.every(outOfTime)) return { cut: true };
    const { type, reason } = engineError(body.error);
    throw new MillraceError('STORE_UNAVAILABLE', `${what}: 500 ${type} ${reason}`.trim());
  }
  const shards = isRecord(body._shards) ? body._shards : {};
  if (Number(shards.successful ?? 0) >= Number(shards.total ?? 0))
    return body.timed_out === true ? { cut: true } : {};
  const failures: unknown[] = Array.isArray(shards.failures) ? shards.failures : [];
  const reasons = reasonsOf(failures.filter(isRecord).map((failure) => failure.reason));
  const other = reasons.find((reason) => !outOfTime(reason));
  if (reasons.length > 0 && other === undefined) return { cut: true };
  throw missingShards(`${what}: ${shards.successful} of ${shards.total} shards answered`, other);
}

function reasonsOf(errors: unknown): EngineError[] {
  return Array.isArray(errors) ? errors.map(engineError) : [];
}

/** OpenSearch has run out of time while it was still looking for the words that a wildcard stands for. */
function outOfTime({ type }: EngineError): boolean {
  return type === 'time_exceeded_exception';
}

/** A request that some shards cannot carry out is refused; a shard that is not there comes back. */
function missingShards(what: string, error: EngineError | undefined): MillraceError {
  const { type, reason } = error ?? { type: 'no_shard_available', reason: '' };
  const text = `${what}: ${type} ${reason}`.trim();
  if (type === 'search_context_missing_exception') return new StoreRejection(404, text);
  return /^(illegal_argument|query_shard|parsing|too_many|number_format)/.test(type)
    ? new StoreRejection(400, text)
    : new MillraceError('STORE_UNAVAILABLE', text);
}
