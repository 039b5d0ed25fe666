import type { IncomingMessage, ServerResponse } from 'node:http';
import { isMillraceError, MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import { Budget } from '../../input/budget.ts';
import type { InputContext } from '../../input/input.ts';
import { type ApiKey, ApiKeys, type Client } from './api-keys.ts';
import { Hold, readBody } from './body.ts';
import { type CorsSettings, corsHeaders, preflightHeaders } from './cors.ts';
import { Refusal } from './refusal.ts';
import { Repeats } from './repeats.ts';
import { HttpServer, type ServerSettings } from './server.ts';

/** Refusals are named in the log once in this time, and counted always. */
const reportMs = 1_000;
const retrySeconds = 2;

export interface GatewaySettings extends ServerSettings {
  /** As it comes, and decompressed. */
  bodyBytesMax: number;
  /** Of the bodies of all requests together. */
  memoryBytesMax: number;
  eventBytesMax: number;
  ack: 'disk' | 'stream';
  idempotencyKeepMs: number;
  keys: ApiKey[];
  cors: CorsSettings;
  /** false: refusals are counted only. */
  logRefusals: boolean;
}

/** A request that may be answered. */
export interface Exchange {
  request: IncomingMessage;
  path: string;
  query: URLSearchParams;
  address: string;
  client: Client | undefined;
  body: Buffer;
}

/** What is to be stored of a request: batches of several tags follow one another. */
export interface Taking {
  batches: { tag: string; lines: Buffer; rule: Rule }[];
  events: number;
}

export interface Answer {
  status: number;
  type?: string;
  body?: string | Buffer;
}

/** What an application of the gateway makes of requests. */
export interface Application {
  scheme: string;
  /** @throws Refusal 404, 405 for what is not there, before anything is read */
  route(method: string, path: string): void;
  /** @throws Refusal */
  read(exchange: Exchange): Taking | Promise<Taking>;
  /** The answer when everything is where it was promised to be. */
  success(exchange: Exchange): Answer;
  failure(refusal: Refusal, request: IncomingMessage): Answer;
}

/** Takes events by HTTP: who may send, how much, and answers only what is stored. */
export class Gateway {
  readonly #settings: GatewaySettings;
  readonly #context: InputContext;
  readonly #application: Application;
  readonly #server: HttpServer;
  readonly #budget: Budget;
  readonly #keys: ApiKeys;
  readonly #repeats: Repeats;
  readonly #countRefused: (status: string) => void;
  #reported = Number.NEGATIVE_INFINITY;
  #unreported = 0;

  constructor(settings: GatewaySettings, context: InputContext, application: Application) {
    const { clock, intake, telemetry } = context;
    this.#settings = settings;
    this.#context = context;
    this.#application = application;
    this.#budget = new Budget(settings.memoryBytesMax);
    this.#keys = new ApiKeys(settings.id, settings.keys, clock, intake);
    this.#repeats = new Repeats(intake, settings.id, settings.idempotencyKeepMs, settings.ack);
    this.#countRefused = telemetry.counterBy(
      'http_refusals_total',
      'Requests that were refused, by the status of the answer.',
      'status',
    );
    this.#server = new HttpServer(settings, context, (request, response, address) =>
      this.#answer(request, response, address),
    );
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse, address: string): Promise<void> {
    const hold = new Hold(this.#budget);
    const headers: Record<string, string> = {};
    try {
      const answer = await this.#handle(request, address, hold, headers);
      send(response, answer, headers);
    } catch (error) {
      const refusal = this.#refusalOf(error);
      // The client is gone, or was too slow: Node has said so.
      if (refusal === undefined) response.destroy();
      else {
        this.#report(refusal, address);
        // What is left of a body that nobody reads would be taken for the next request.
        const rest = request.complete ? {} : { connection: 'close' };
        send(response, this.#application.failure(refusal, request), {
          ...headers,
          ...refusal.headers,
          ...rest,
        });
      }
    } finally {
      hold.release();
    }
  }

  async #handle(
    request: IncomingMessage,
    address: string,
    hold: Hold,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const { method = '', url = '/' } = request;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    if (path === '/healthz' && (method === 'GET' || method === 'HEAD')) return this.#health();
    if (method === 'OPTIONS') {
      Object.assign(headers, preflightHeaders(this.#settings.cors, request));
      return { status: 204 };
    }
    Object.assign(headers, corsHeaders(this.#settings.cors, request));
    if (this.#server.stopping) throw stopping();
    this.#application.route(method, path);
    const client = this.#keys.clientOf(request, query);
    const body = await readBody(request, this.#settings.bodyBytesMax, hold);
    const exchange: Exchange = { request, path, query, address, client, body };
    const taking = await this.#application.read(exchange);
    await this.#store(exchange, taking, hold);
    return this.#application.success(exchange);
  }

  #health(): Answer {
    const status = this.#server.stopping ? 503 : 200;
    const body = JSON.stringify({ status: status === 200 ? 'ok' : 'stopping' });
    return { status, type: 'application/json', body };
  }

  async #store({ request, client, body, address }: Exchange, taking: Taking, hold: Hold): Promise<void> {
    for (const { tag } of taking.batches) client?.mayTag(tag);
    const key = request.headers['idempotency-key'];
    const named = typeof key === 'string' ? key : undefined;
    const tags = taking.batches.map(({ tag }) => tag).join('\0');
    const claim =
      named === undefined ? undefined : await this.#repeats.claim(client?.name ?? '', named, tags, body);
    if (named !== undefined && claim === undefined) {
      this.#context.telemetry.emit('request_repeated', { source: this.#settings.id, address });
      return;
    }
    try {
      const notes = client?.count({ events: taking.events, bytes: body.length }) ?? [];
      // From here on the intake bounds what is held.
      hold.release();
      await this.#push(taking, address, claim?.identity, [...notes, ...(claim ? [claim.note] : [])]);
      claim?.settle(true);
    } catch (error) {
      claim?.settle(false);
      throw error;
    }
  }

  async #push(
    { batches }: Taking,
    address: string,
    identity: string | undefined,
    notes: { key: string; value: string; keepMs: number }[],
  ): Promise<void> {
    const { intake } = this.#context;
    const pushed: Promise<void>[] = [];
    for (const [i, { tag, lines, rule }] of batches.entries()) {
      const last = i === batches.length - 1;
      const batch = {
        tag,
        origin: `${this.#application.scheme}://${address}`,
        rule,
        bytes: lines,
        ack: this.#settings.ack,
        ...(last ? { notes } : {}),
        ...(identity === undefined ? {} : { identity }),
      };
      for (;;)
        try {
          pushed.push(intake.push(batch));
          break;
        } catch (error) {
          // The first one says whether there is room; those behind it wait, as it is taken.
          if (i > 0 && isMillraceError(error, 'OUTBOX_FULL') && (await intake.room())) continue;
          await Promise.allSettled(pushed);
          throw error;
        }
    }
    await Promise.all(pushed);
  }

  #refusalOf(error: unknown): Refusal | undefined {
    if (error instanceof Refusal) return error;
    if (isMillraceError(error, 'OUTBOX_FULL')) {
      if (this.#server.stopping) return stopping();
      return new Refusal(429, error.message, { headers: { 'retry-after': String(retrySeconds) } });
    }
    if (error instanceof MillraceError) return new Refusal(500, error.message);
    const code = (error as { code?: string }).code ?? '';
    if (code === 'ECONNRESET' || code === 'EPIPE' || code.startsWith('ERR_STREAM')) return undefined;
    return new Refusal(500, messageOf(error));
  }

  #report({ status, message }: Refusal, address: string): void {
    this.#countRefused(String(status));
    if (!this.#settings.logRefusals) return;
    this.#unreported++;
    const now = this.#context.clock.monotonic();
    if (now - this.#reported < reportMs) return;
    this.#reported = now;
    const requests = this.#unreported;
    this.#unreported = 0;
    const source = this.#settings.id;
    this.#context.telemetry.emit('requests_refused', { source, address, status, why: message, requests });
  }
}

function stopping(): Refusal {
  return new Refusal(503, 'the agent is stopping', { headers: { 'retry-after': '5' } });
}

function send(response: ServerResponse, answer: Answer, headers: Record<string, string>): void {
  const { status, type, body = '' } = answer;
  if (response.destroyed) return;
  const length: Record<string, string> =
    status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...headers, ...length, ...(type ? { 'content-type': type } : {}) });
  response.end(body);
}
