import type { IncomingMessage } from 'node:http';
import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Input, InputContext } from '../../input/input.ts';
import { type Answer, type Exchange, Gateway, type Taking } from '../http/gateway.ts';
import { Refusal } from '../http/refusal.ts';
import type { OtlpConfig } from './config.ts';
import { type Lines, logLines, timeKey } from './lines.ts';
import type { LogsRequest } from './model.ts';

const rule: Rule = {
  v: 1,
  parse: { type: 'json' },
  time: { key: timeKey, type: 'string' },
  detect: { level: true },
};

const protobufType = 'application/x-protobuf';
const jsonType = 'application/json';

/** `<source> @type opentelemetry`: OTLP/HTTP, logs. */
export class OtlpInput implements Input {
  readonly #config: OtlpConfig;
  readonly #context: InputContext;
  readonly #gateway: Gateway;
  /** What became of requests that are being stored. */
  readonly #results = new WeakMap<IncomingMessage, Lines>();
  #protobuf: typeof import('./protobuf.ts') | undefined;

  constructor(config: OtlpConfig, context: InputContext) {
    this.#config = config;
    this.#context = context;
    this.#gateway = new Gateway(config.gateway, context, {
      scheme: 'otlp',
      route,
      read: (exchange) => this.#read(exchange),
      success: ({ request }) => this.#success(request),
      failure: (refusal, request) => this.#failure(refusal, request),
    });
  }

  async start(): Promise<void> {
    this.#protobuf = await import('./protobuf.ts');
    await this.#gateway.start();
  }

  stop(): Promise<void> {
    return this.#gateway.stop();
  }

  #read({ request, body, address }: Exchange): Taking {
    const { tag, gateway } = this.#config;
    const lines = this.#decoded(typeOf(request), body, (logs) => logLines(logs, tag, gateway.eventBytesMax));
    this.#results.set(request, lines);
    if (lines.rejected > 0)
      this.#context.telemetry.emit('log_records_rejected', {
        source: gateway.id,
        address,
        records: lines.rejected,
        why: lines.why,
      });
    const batches = [...lines.tags].map(([name, all]) => ({
      tag: name,
      lines: Buffer.from(all.join('')),
      rule,
    }));
    return { batches, events: lines.events };
  }

  #decoded<T>(type: string, body: Buffer, use: (logs: LogsRequest) => T): T {
    if (type !== protobufType && type !== jsonType)
      throw new Refusal(
        415,
        `content-type "${type.slice(0, 80)}", known are ${protobufType} and ${jsonType}`,
      );
    try {
      const logs = type === jsonType ? readJson(body) : this.#protobuf?.decodeLogs(body);
      return use(logs ?? {});
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw new Refusal(
        400,
        `no ExportLogsServiceRequest: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  #success(request: IncomingMessage): Answer {
    const { rejected = 0, why = '' } = this.#results.get(request) ?? {};
    if (typeOf(request) === jsonType) {
      const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: why };
      return { status: 200, type: jsonType, body: JSON.stringify(rejected > 0 ? { partialSuccess } : {}) };
    }
    const bytes = this.#protobuf?.encodeResponse(rejected, why) ?? new Uint8Array();
    return { status: 200, type: protobufType, body: Buffer.from(bytes) };
  }

  #failure({ status, message }: Refusal, request: IncomingMessage): Answer {
    const code = codes[status] ?? 13;
    if (typeOf(request) !== protobufType)
      return { status, type: jsonType, body: JSON.stringify({ code, message }) };
    return {
      status,
      type: protobufType,
      body: Buffer.from(this.#protobuf?.encodeStatus(code, message) ?? []),
    };
  }
}

/** Of google.rpc.Code. */
const codes: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  413: 3,
  415: 3,
  422: 3,
  429: 8,
  503: 14,
};

function route(method: string, path: string): void {
  if (path === '/v1/metrics' || path === '/v1/traces')
    throw new Refusal(404, `${path}: this source takes logs only, at /v1/logs`);
  if (path !== '/v1/logs') throw new Refusal(404, 'logs come to /v1/logs');
  if (method !== 'POST') throw new Refusal(405, 'logs come by POST', { headers: { allow: 'POST, OPTIONS' } });
}

function typeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** A number where a time may be that a double cannot hold; senders are to write text, and not all do. */
const longNumber = /[:,[\s]-?\d{16}/;

function readJson(body: Buffer): LogsRequest {
  const text = body.toString();
  const exact = (_name: string, value: unknown, { source = '' }: { source?: string } = {}) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d{1,20}$/.test(source)
      ? BigInt(source)
      : value;
  const value: unknown = longNumber.test(text) ? JSON.parse(text, exact) : JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('an object is expected');
  return value;
}
