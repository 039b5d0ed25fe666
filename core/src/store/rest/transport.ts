import { readFileSync } from 'node:fs';
import { MillraceError, messageOf } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { StoreConfig } from '../config.ts';
import { storeError } from './errors.ts';

/** One REST call. Everything the adapter does goes through it, so an engine is a way to call, and a dialect. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'HEAD' | 'DELETE';
  path: string;
  query?: Record<string, string | boolean | number>;
  /** JSON. */
  body?: Record<string, unknown>;
  /** NDJSON, instead of `body`. */
  lines?: string | Buffer;
  /** Statuses of 400 and above that are answers, not errors. */
  accept?: number[];
  signal?: AbortSignal | undefined;
}

export interface Transport {
  /** The answer's body, parsed. @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED */
  call(what: string, call: Call): Promise<{ status: number; body: unknown }>;
  close(): Promise<void>;
}

/** What goes over the wire: a call's parts as both clients name them. */
export function wireRequest(call: Call) {
  return {
    method: call.method,
    path: call.path,
    ...(call.query ? { querystring: { ...call.query } } : {}),
    ...(call.body ? { body: call.body } : {}),
    ...(call.lines === undefined ? {} : { bulkBody: call.lines }),
  };
}

/** How an adapter has its client send one call; ends early when the signal is aborted. */
type Send = (call: Call, signal: AbortSignal) => Promise<{ status: number; body: unknown }>;

/**
 * A transport out of a client: each call has its time, and one kind of error. The clients' own timeouts end with
 * the first byte of the answer; a server that stalls later hangs them.
 */
export function boundedTransport(
  config: StoreConfig,
  clock: Clock,
  send: Send,
  closeClient: () => Promise<void>,
): Transport {
  const closing = new AbortController();
  let closed: Promise<void> | undefined;
  return {
    async call(what, request) {
      const late = new AbortController();
      const signals = [late.signal, closing.signal, ...(request.signal ? [request.signal] : [])];
      const answered = new AbortController();
      void clock.sleep(config.request_timeout_ms, answered.signal).then(() => {
        if (!answered.signal.aborted) late.abort();
      });
      try {
        return await send(request, AbortSignal.any(signals));
      } catch (error) {
        if (late.signal.aborted) {
          const text = `${what}: no answer within ${config.request_timeout_ms} ms`;
          throw new MillraceError('STORE_UNAVAILABLE', text);
        }
        throw storeError(what, error);
      } finally {
        answered.abort();
      }
    },
    close() {
      closing.abort();
      // OpenSearch's client never answers a second time.
      closed ??= closeClient();
      return closed;
    },
  };
}

/**
 * TLS as Node takes it.
 * @throws MillraceError CONFIG_INVALID when the authority's file cannot be read
 */
export function tlsOptions(tls: StoreConfig['tls'] = {}): { ca?: string; rejectUnauthorized?: boolean } {
  return {
    ...(tls.ca_file === undefined ? {} : { ca: authority(tls.ca_file) }),
    ...(tls.verify === undefined ? {} : { rejectUnauthorized: tls.verify }),
  };
}

export function nodesOf(config: StoreConfig): string[] {
  return typeof config.node === 'string' ? [config.node] : config.node;
}

function authority(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('CONFIG_INVALID', `store.tls.ca_file: ${messageOf(cause)}`, {
      hint: 'name a readable PEM file with the certificate of the authority',
      cause,
    });
  }
}
