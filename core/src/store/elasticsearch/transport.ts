import { Client, type ClientOptions, errors, Serializer } from '@elastic/elasticsearch';
import { MillraceError } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import { storeAuth } from '../auth.ts';
import type { StoreConfig } from '../config.ts';
import { answerOf } from '../rest/exact-fields.ts';
import { boundedTransport, nodesOf, type Transport, tlsOptions, wireRequest } from '../rest/transport.ts';

/** An answer that lacks Elasticsearch's product header: of another engine, or of a proxy on the way. */
export class ForeignProduct extends MillraceError {
  constructor() {
    super('STORE_UNAVAILABLE', 'the answer is not one of Elasticsearch', {
      hint: 'check store.type and store.node; a proxy must let the header x-elastic-product pass',
    });
  }
}

/**
 * The client is one of 8.x: it talks to servers of 8 and of 9 (compatible-with=8), one of 9.x to those of 9 alone.
 * @throws MillraceError CONFIG_INVALID when the authority's file cannot be read
 */
export function openTransport(config: StoreConfig, clock: Clock): Transport {
  const client = new Client(clientOptions(config));
  return boundedTransport(
    config,
    clock,
    async (call, signal) => {
      const options = { meta: true as const, signal, ...(call.accept ? { ignore: call.accept } : {}) };
      try {
        const { statusCode, body } = await client.transport.request(wireRequest(call), options);
        return { status: statusCode, body };
      } catch (error) {
        if (error instanceof errors.ProductNotSupportedError) throw new ForeignProduct();
        throw error;
      }
    },
    () => client.close(),
  );
}

class ExactSerializer extends Serializer {
  override deserialize<T = unknown>(json: string): T {
    return answerOf(json, (text) => super.deserialize(text)) as T;
  }
}

function clientOptions(config: StoreConfig): ClientOptions {
  const auth = storeAuth(config);
  return {
    nodes: nodesOf(config),
    Serializer: ExactSerializer,
    ...(auth.kind === 'basic' ? { auth: auth.basic } : {}),
    ...(auth.kind === 'api_key' ? { auth: { apiKey: auth.apiKey } } : {}),
    tls: tlsOptions(config.tls),
    requestTimeout: config.request_timeout_ms,
    maxResponseSize: config.answer_bytes_max,
    // Whether to try again, and when, is decided once, by the callers of the port.
    maxRetries: 0,
    // One parsed field named `__proto__` must not make the answers that hold it unreadable.
    disablePrototypePoisoningProtection: true,
    enableMetaHeader: false,
  };
}
