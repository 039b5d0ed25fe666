import { readFileSync } from 'node:fs';
import { Client, type ClientOptions, Connection } from '@opensearch-project/opensearch';
import { MillraceError, messageOf } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { StoreConfig } from '../config.ts';
import { storeError } from './errors.ts';

/** One REST call. Everything the adapter does goes through it, so an engine is a way to call, and a dialect. */
export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'HEAD';
  path: string;
  query?: Record<string, string | boolean | number>;
  /** JSON. */
  body?: Record<string, unknown>;
  /** NDJSON, instead of `body`. */
  lines?: string;
  /** Statuses of 400 and above that are answers, not errors. */
  accept?: number[];
  signal?: AbortSignal | undefined;
}

export interface Transport {
  /** The answer's body, parsed. @throws MillraceError STORE_UNAVAILABLE, STORE_REJECTED */
  call(what: string, call: Call): Promise<{ status: number; body: unknown }>;
  close(): Promise<void>;
}

/** @throws MillraceError CONFIG_INVALID when the authority's file cannot be read */
export function openTransport(config: StoreConfig, clock: Clock): Transport {
  const client = new Client(clientOptions(config));
  const closing = new AbortController();

  async function call(what: string, request: Call): Promise<{ status: number; body: unknown }> {
    const stop = new AbortController();
    const sent = client.transport.request(
      {
        method: request.method,
        path: request.path,
        ...(request.query ? { querystring: { ...request.query } } : {}),
        ...(request.body ? { body: request.body } : {}),
        ...(request.lines === undefined ? {} : { bulkBody: request.lines }),
      },
      { ...(request.accept ? { ignore: request.accept } : {}) },
    );
    const signals = [stop.signal, closing.signal, ...(request.signal ? [request.signal] : [])];
    // Returns nothing: an event target would take the call itself for a promise nobody handles.
    const abort = () => {
      sent.abort();
    };
    for (const signal of signals) {
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    }
    // The client's own timeout ends with the first byte of the answer; a server that stalls later hangs it.
    const answered = new AbortController();
    void clock.sleep(config.request_timeout_ms, answered.signal).then(() => {
      if (!answered.signal.aborted) stop.abort();
    });
    try {
      const { statusCode, body } = await sent;
      return { status: statusCode ?? 0, body };
    } catch (error) {
      if (stop.signal.aborted) {
        const text = `${what}: no answer within ${config.request_timeout_ms} ms`;
        throw new MillraceError('STORE_UNAVAILABLE', text);
      }
      throw storeError(what, error);
    } finally {
      answered.abort();
      for (const signal of signals) signal.removeEventListener('abort', abort);
    }
  }

  return {
    call,
    async close() {
      closing.abort();
      await client.close();
    },
  };
}

/** The client writes a line to stdout when a connection breaks during an answer; stdout is not its to write to. */
class QuietConnection extends Connection {
  override request(
    ...[params, answer]: Parameters<Connection['request']>
  ): ReturnType<Connection['request']> {
    const request = super.request(params, (error, response) => {
      // Of a broken answer the response itself tells, and fails the call.
      if (response) request.removeAllListeners('error').on('error', () => {});
      answer(error, response);
    });
    return request;
  }
}

function clientOptions(config: StoreConfig): ClientOptions {
  return {
    nodes: typeof config.node === 'string' ? [config.node] : config.node,
    ...(config.auth ? { auth: config.auth } : {}),
    ...(config.tls ? { ssl: tlsOptions(config.tls) } : {}),
    requestTimeout: config.request_timeout_ms,
    // Whether to try again, and when, is decided once, by the callers of the port.
    maxRetries: 0,
    resurrectStrategy: 'optimistic',
    // One parsed field named `__proto__` must not make the answers that hold it unreadable.
    disablePrototypePoisoningProtection: true,
    Connection: QuietConnection,
  };
}

function tlsOptions(tls: NonNullable<StoreConfig['tls']>): { ca?: string; rejectUnauthorized?: boolean } {
  return {
    ...(tls.ca_file === undefined ? {} : { ca: authority(tls.ca_file) }),
    ...(tls.reject_unauthorized === undefined ? {} : { rejectUnauthorized: tls.reject_unauthorized }),
  };
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
