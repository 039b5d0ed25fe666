import type { IncomingMessage } from 'node:http';
import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Input, InputContext } from '../../input/input.ts';
import type { HttpConfig } from './config.ts';
import { formField } from './form.ts';
import { type Answer, type Exchange, Gateway, type Taking } from './gateway.ts';
import { type Events, jsonEvents, msgpackEvents, textEvents } from './json-events.ts';
import { Refusal } from './refusal.ts';

/** Name of the member for a time that the query gives. */
const timeKey = '@time';
const tagMax = 256;

const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** `<source> @type http`. */
export class HttpInput implements Input {
  readonly #config: HttpConfig;
  readonly #gateway: Gateway;
  readonly #timedRule: Rule;

  constructor(config: HttpConfig, context: InputContext) {
    this.#config = config;
    this.#timedRule = { ...config.rule, time: { key: timeKey, type: 'float' } };
    this.#gateway = new Gateway(config.gateway, context, {
      scheme: 'http',
      route,
      read: (exchange) => this.#read(exchange),
      success: () => this.#success(),
      failure,
    });
  }

  start(): Promise<void> {
    return this.#gateway.start();
  }

  stop(): Promise<void> {
    return this.#gateway.stop();
  }

  async #read(exchange: Exchange): Promise<Taking> {
    const { rule, gateway, format } = this.#config;
    const tag = this.#tagOf(exchange.path);
    const time = timeOf(exchange.query);
    if (format === 'lines') {
      if (time !== undefined) throw new Refusal(400, 'time: lines have the time that their parser finds');
      const { lines, count } = textEvents(exchange.body, gateway);
      return { batches: count > 0 ? [{ tag, lines, rule }] : [], events: count };
    }
    const members = this.#membersOf(exchange) + (time === undefined ? '' : `,"${timeKey}":${time}`);
    const { lines, count } = await readEvents(exchange, members, gateway);
    const timed = time === undefined ? rule : this.#timedRule;
    return { batches: count > 0 ? [{ tag, lines, rule: timed }] : [], events: count };
  }

  #tagOf(path: string): string {
    const tag =
      this.#config.addTagPrefix +
      textOf(path)
        .split('/')
        .filter((part) => part !== '')
        .join('.');
    if (tag.length > tagMax || /[\s\p{Cc}]/u.test(tag))
      throw new Refusal(400, `the path is no tag: no spaces, ${tagMax} characters at most`);
    return tag;
  }

  /** Each `,"name":value`. */
  #membersOf({ request, query, address }: Exchange): string {
    const { addHeaders, addQuery, addAddress } = this.#config;
    let members = '';
    const add = (name: string, value: string) => {
      members += `,${JSON.stringify(name.slice(0, 200))}:${JSON.stringify(value)}`;
    };
    const upper = (name: string) => name.toUpperCase().replaceAll('-', '_');
    if (addHeaders)
      for (const [name, value = ''] of Object.entries(request.headers))
        if (!secret.has(name)) add(`HTTP_${upper(name)}`, String(value));
    if (addQuery)
      for (const [name, value] of query) if (name !== 'api_key') add(`QUERY_${upper(name)}`, value);
    if (addAddress) {
      const forwarded = String(request.headers['x-forwarded-for'] ?? '')
        .split(',')[0]
        ?.trim();
      add('REMOTE_ADDR', forwarded || address);
    }
    return members;
  }

  #success(): Answer {
    const { success } = this.#config;
    if (success === 'none') return { status: 204 };
    return success === 'gif'
      ? { status: 200, type: 'image/gif', body: pixel }
      : { status: 200, type: 'text/plain' };
  }
}

/** Headers whose values are nobody's business. */
const secret = new Set(['authorization', 'x-api-key', 'cookie', 'proxy-authorization']);

function route(method: string, path: string): void {
  if (method !== 'POST')
    throw new Refusal(405, 'events come by POST', { headers: { allow: 'POST, OPTIONS' } });
  if (path.replaceAll('/', '') === '') throw new Refusal(404, 'the path is to name a tag, as in /app.log');
}

function textOf(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new Refusal(400, 'the path is not encoded as it should be');
  }
}

/** Seconds; undefined where the events say. */
function timeOf(query: URLSearchParams): string | undefined {
  const text = query.get('time');
  if (text === null || Number(text) === 0) return undefined;
  if (!/^\d{1,12}(\.\d{1,12})?$/.test(text))
    throw new Refusal(400, 'time: a number of seconds since 1970 is expected');
  return text.replace(/^0+(?=\d)/, '');
}

async function readEvents(
  { request, body }: Exchange,
  members: string,
  limits: { eventBytesMax: number },
): Promise<Events> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (isJson(type)) return jsonEvents(body, members, limits);
  if (type === 'application/msgpack' || type === 'application/x-msgpack')
    return msgpackEvents(body, members, limits);
  if (type === 'application/x-www-form-urlencoded' || type === 'multipart/form-data') {
    const { name, value } = await formField(body, request.headers['content-type'] ?? '');
    return name === 'msgpack' ? msgpackEvents(value, members, limits) : jsonEvents(value, members, limits);
  }
  throw new Refusal(
    415,
    `content-type "${type.slice(0, 80)}", known are JSON, NDJSON, MessagePack and forms`,
    {
      headers: { 'accept-post': 'application/json, application/x-ndjson, application/msgpack' },
    },
  );
}

/** Browsers' navigator.sendBeacon says text/plain of a string, and nothing of bytes. */
function isJson(type: string): boolean {
  if (type === '' || type === 'text/plain' || type === 'text/json') return true;
  return /^application\/([\w.-]+\+json|json|x-ndjson|ndjson|jsonl|x-jsonlines|octet-stream)$/.test(type);
}

function failure(refusal: Refusal, _request: IncomingMessage): Answer {
  const { status, message, index } = refusal;
  const body = JSON.stringify({ error: message, ...(index === undefined ? {} : { index }) });
  return { status, type: 'application/json', body: `${body}\n` };
}
