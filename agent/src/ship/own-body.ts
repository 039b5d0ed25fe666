import { randomUUID } from 'node:crypto';
import { systemClock } from '@millrace/core/runtime/clock.ts';

/** A request whose body is ours, in place of the one that the official client would serialize. */
interface OwnCall {
  body: Buffer;
  /** The answer says that nothing failed; its results were not read. */
  taken: boolean;
}

/** What of the official clients is used here; theirs is typed command by command. */
interface Client {
  middlewareStack: unknown;
  config: {
    requestHandler: { handle(request: never): Promise<{ response: unknown }> };
    signer: unknown;
    systemClockOffset: number;
  };
}

interface Stack {
  add(middleware: unknown, options: { step: string; priority: string; name: string }): void;
}

interface Request {
  body: unknown;
  headers: Record<string, string>;
}

interface Args {
  input: object;
  request: Request;
}

interface Response {
  statusCode: number;
  body: unknown;
}

interface Signer {
  sign(
    request: Request,
    how: { signingDate: Date; signingRegion: string; signingService: string },
  ): Promise<Request>;
}

/** A request that the service has taken, for others like it. */
interface Pattern {
  request: Request;
  signer: Signer;
  region: string;
  service: string;
}

/** Of a single request; the signer's own are replaced by it. */
const singular = new Set(['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']);

/** `Credential=KEY/20261122/us-east-1/kinesis/aws4_request` */
const scope = /Credential=[^,]*\/\d{8}\/([^/,]+)\/([^/,]+)\/aws4_request/;

/** The answer's first bytes, where the number of failures stands in nearly all. */
const headBytes = 512;

/**
 * Sends bodies of ours by an official client and looks at answers before they are read: one result a record, hundreds in
 * each, which cost as much as all that comes before the call. The first request goes through the client's middleware; the
 * next are made after its pattern, with the client's own signer and handler, until one is not answered with 200: that one
 * and its successor are the client's business again, with all it knows of errors, redirects and clocks.
 */
export class OwnBodies<Answer extends object> {
  readonly #client: Client;
  readonly #calls = new WeakMap<object, OwnCall>();
  readonly #none: RegExp;
  #pattern: Pattern | undefined;

  /** `failures`: the member of an answer that counts the records that were not taken. */
  constructor(client: object, failures: string) {
    this.#client = client as Client;
    this.#none = new RegExp(`"${failures}"\\s*:\\s*0\\s*[,}]`);
    const stack = this.#client.middlewareStack as Stack;
    // Behind the serializer, before the signature.
    stack.add(this.#withBody, { step: 'build', priority: 'high', name: 'ownBody' });
    // Nearer to the network than the deserializer.
    stack.add(this.#withoutResults, { step: 'deserialize', priority: 'low', name: 'ownAnswer' });
  }

  /**
   * One call; `official` makes it with `input` by the client. Undefined: every record was taken.
   * @throws as the client does
   */
  async send(
    body: Buffer,
    input: object,
    official: () => Promise<Answer>,
  ): Promise<Partial<Answer> | undefined> {
    const pattern = this.#pattern;
    if (pattern !== undefined) {
      const answer = await this.#sendLike(pattern, body);
      if (answer === 'taken') return undefined;
      if (answer !== 'refused') return answer;
    }
    const call = { body, taken: false };
    this.#calls.set(input, call);
    const answer = await official();
    return call.taken ? undefined : answer;
  }

  async #sendLike(pattern: Pattern, body: Buffer): Promise<'taken' | 'refused' | Partial<Answer>> {
    const { config } = this.#client;
    const { signer, region, service } = pattern;
    try {
      const signed = await signer.sign(requestLike(pattern.request, body), {
        signingDate: new Date(systemClock.now() + config.systemClockOffset),
        signingRegion: region,
        signingService: service,
      });
      const { response } = await config.requestHandler.handle(signed as never);
      const { statusCode, body: answer } = response as Response;
      const read = await readAnswer(answer, this.#none);
      if (statusCode === 200) return read === 'none' ? 'taken' : (JSON.parse(read.toString()) as Answer);
    } catch (error) {
      this.#pattern = undefined;
      throw error;
    }
    this.#pattern = undefined;
    return 'refused';
  }

  readonly #withBody = (next: (args: Args) => Promise<unknown>) => (args: Args) => {
    const call = this.#calls.get(args.input);
    if (call) {
      args.request.body = call.body;
      args.request.headers['content-length'] = String(call.body.length);
    }
    return next(args);
  };

  readonly #withoutResults =
    (next: (args: Args) => Promise<{ response: Response }>) => async (args: Args) => {
      const result = await next(args);
      const call = this.#calls.get(args.input);
      const { response } = result;
      if (call === undefined || response.statusCode !== 200) return result;
      const read = await readAnswer(response.body, this.#none);
      call.taken = read === 'none';
      response.body = read === 'none' ? Buffer.from('{}') : read;
      if (call.taken) this.#pattern = await this.#patternOf(args.request);
      return result;
    };

  async #patternOf(request: Request): Promise<Pattern | undefined> {
    const found = scope.exec(request.headers.authorization ?? '');
    const { signer } = this.#client.config;
    // Keys may be of another kind than these, such as bearer tokens.
    if (found === null || typeof signer !== 'function') return undefined;
    const [, region = '', service = ''] = found;
    const headers = Object.entries(request.headers).filter(([name]) => !singular.has(name.toLowerCase()));
    return {
      request: { ...request, body: undefined, headers: Object.fromEntries(headers) },
      signer: (await signer()) as Signer,
      region,
      service,
    };
  }
}

function requestLike(request: Request, body: Buffer): Request {
  const headers = { ...request.headers, 'content-length': String(body.length) };
  if ('amz-sdk-invocation-id' in headers) headers['amz-sdk-invocation-id'] = randomUUID();
  return { ...request, headers, body };
}

/** The whole answer, or 'none' when it says that nothing failed; an answer of that kind is not kept. */
function readAnswer(body: unknown, none: RegExp): Promise<Buffer | 'none'> {
  const stream = body as NodeJS.ReadableStream;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let taken = false;
    stream.on('data', (chunk: Buffer) => {
      if (taken) return;
      taken = chunks.length === 0 && none.test(chunk.toString('latin1', 0, headBytes));
      chunks.push(chunk);
    });
    stream.on('error', reject);
    stream.on('end', () => {
      const whole = taken ? Buffer.alloc(0) : Buffer.concat(chunks);
      resolve(taken || none.test(whole.toString('latin1')) ? 'none' : whole);
    });
  });
}
