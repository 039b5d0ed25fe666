import type { IncomingMessage } from 'node:http';
import { Client, type ClientOptions, Connection, Serializer } from '@opensearch-project/opensearch';
import { AwsSigv4Signer } from '@opensearch-project/opensearch/aws-v3';
import type { Clock } from '../../runtime/clock.ts';
import { storeAuth } from '../auth.ts';
import type { StoreConfig } from '../config.ts';
import { answerTooLarge } from '../rest/errors.ts';
import { answerOf } from '../rest/exact-fields.ts';
import { boundedTransport, nodesOf, type Transport, tlsOptions, wireRequest } from '../rest/transport.ts';

/** @throws MillraceError CONFIG_INVALID when the authority's file cannot be read */
export function openTransport(config: StoreConfig, clock: Clock): Transport {
  const client = new Client(clientOptions(config));
  return boundedTransport(
    config,
    clock,
    async (call, signal) => {
      const options = call.accept ? { ignore: call.accept } : {};
      const sent = client.transport.request(wireRequest(call), options);
      // Returns nothing: an event target would take the call itself for a promise nobody handles.
      const abort = () => {
        sent.abort();
      };
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      try {
        const { statusCode, body } = await sent;
        return { status: statusCode ?? 0, body };
      } finally {
        // Node keeps a signal of several with its listeners, and so this answer, as long as one of them may end.
        signal.removeEventListener('abort', abort);
      }
    },
    () => client.close(),
  );
}

/**
 * The client writes a line to stdout when a connection breaks during an answer; stdout is not its to write to. And it
 * reads whatever comes, as long as a text may be at all.
 * @param Base the client's connection, or one that signs
 */
function bounded(Base: typeof Connection, bytesMax: number): typeof Connection {
  return class extends Base {
    override request(
      ...[params, answer]: Parameters<Connection['request']>
    ): ReturnType<Connection['request']> {
      const request = super.request(params, (error, response) => {
        // Of a broken answer the response itself tells, and fails the call.
        if (response) request.removeAllListeners('error').on('error', () => {});
        answer(error, response);
        if (response) boundAnswer(response, bytesMax);
      });
      return request;
    }
  };
}

/** Behind the client's own listeners: it is told before it is told that the answer was broken off. */
function boundAnswer(response: IncomingMessage, bytesMax: number): void {
  let bytes = 0;
  response.on('data', (chunk: string | Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax || response.destroyed) return;
    response.emit('error', new Error(answerTooLarge(bytesMax)));
    response.destroy();
  });
}

class ExactSerializer extends Serializer {
  override deserialize(json: string): unknown {
    return answerOf(json, (text) => super.deserialize(text));
  }
}

function clientOptions(config: StoreConfig): ClientOptions {
  return {
    nodes: nodesOf(config),
    Serializer: ExactSerializer,
    ...authOptions(config),
    ssl: tlsOptions(config.tls),
    requestTimeout: config.request_timeout_ms,
    // Whether to try again, and when, is decided once, by the callers of the port.
    maxRetries: 0,
    resurrectStrategy: 'optimistic',
    // One parsed field named `__proto__` must not make the answers that hold it unreadable.
    disablePrototypePoisoningProtection: true,
  };
}

function authOptions(config: StoreConfig): ClientOptions {
  const auth = storeAuth(config);
  if (auth.kind !== 'aws') {
    return {
      Connection: bounded(Connection, config.answer_bytes_max),
      ...(auth.kind === 'basic' ? { auth: auth.basic } : {}),
    };
  }
  const { region, service } = auth;
  // Credentials come by the AWS SDK's chain: environment, profile, web identity, container, instance.
  const signer = AwsSigv4Signer({ region, service });
  return { Transport: signer.Transport, Connection: bounded(signer.Connection, config.answer_bytes_max) };
}
