/** A request whose body is ours, in place of the one that the official client would serialize. */
export interface OwnCall {
  body: Buffer;
  /** The answer says that nothing failed; its results were not read. */
  taken: boolean;
}

/** Middleware of the official clients, as far as it is used here; theirs is typed command by command. */
interface Stack {
  add(middleware: unknown, options: { step: string; priority: string; name: string }): void;
}

interface Args {
  input: object;
  request: { body: unknown; headers: Record<string, string> };
}

interface Result {
  response: { statusCode: number; body: unknown };
}

/**
 * Has a client send bodies of ours and look at answers before they are read: one result a record, hundreds in each,
 * which cost as much as all that comes before the call. Where `failures` says 0 the command reads an answer without
 * results. `calls`: by the input of the command.
 */
export function useOwnBodies(
  { middlewareStack }: { middlewareStack: unknown },
  calls: WeakMap<object, OwnCall>,
  failures: string,
): void {
  const stack = middlewareStack as Stack;
  const withBody = (next: (args: Args) => Promise<Result>) => (args: Args) => {
    const call = calls.get(args.input);
    if (call) {
      args.request.body = call.body;
      args.request.headers['content-length'] = String(call.body.length);
    }
    return next(args);
  };
  // Behind the serializer, before the signature.
  stack.add(withBody, { step: 'build', priority: 'high', name: 'ownBody' });
  const none = new RegExp(`"${failures}"\\s*:\\s*0\\s*[,}]`);
  const withoutResults = (next: (args: Args) => Promise<Result>) => async (args: Args) => {
    const result = await next(args);
    const call = calls.get(args.input);
    const { response } = result;
    if (call === undefined || response.statusCode !== 200) return result;
    const bytes = await wholeBody(response.body);
    call.taken = none.test(bytes.toString('latin1'));
    response.body = call.taken ? Buffer.from('{}') : bytes;
    return result;
  };
  // Nearer to the network than the deserializer.
  stack.add(withoutResults, { step: 'deserialize', priority: 'low', name: 'ownAnswer' });
}

async function wholeBody(body: unknown): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
