import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SignatureV4 } from '@smithy/signature-v4';
import { domainRoles } from './domain-roles.ts';

const env = {
  AWS_ACCESS_KEY_ID: 'access',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token',
  AWS_REGION: 'eu-west-1',
  PAUSE_MS: '1',
};

const keyOf = (key: string | ArrayBuffer | ArrayBufferView) =>
  typeof key === 'string' || ArrayBuffer.isView(key)
    ? (key as string | NodeJS.ArrayBufferView)
    : Buffer.from(key);

/** What the signer of the SDK takes for a hash. */
class Sha256 {
  readonly #hash;
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', keyOf(key));
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

const signer = new SignatureV4({
  service: 'es',
  region: env.AWS_REGION,
  credentials: {
    accessKeyId: env.AWS_ACCESS_KEY_ID,
    secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
    sessionToken: env.AWS_SESSION_TOKEN,
  },
  sha256: Sha256,
});

/** The signature as the SDK would make it of what came. */
async function expected(path: string, headers: IncomingHttpHeaders, body: string): Promise<string> {
  const time = String(headers['x-amz-date']);
  const signingDate = new Date(time.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
  const request = {
    method: 'PUT',
    protocol: 'http:',
    hostname: '127.0.0.1',
    path,
    headers: { host: String(headers.host), 'content-type': String(headers['content-type']) },
    body,
  };
  return (await signer.sign(request, { signingDate })).headers.authorization ?? '';
}

interface Put {
  path: string;
  body: Record<string, unknown>;
  signed: boolean;
}

/** A domain, and CloudFormation's address for answers; `refuse` says how often the domain is not ready. */
async function world(t: TestContext, refuse = 0) {
  const puts: Put[] = [];
  const answers: Record<string, unknown>[] = [];
  let refusals = refuse;
  // An answer that is lost keeps the deployment waiting for an hour.
  let unheard = 1;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const text = await textOf(request);
    const path = request.url ?? '';
    // As S3 does with an address that was signed for none.
    if (path === '/answer' && request.headers['content-type'] !== undefined) response.statusCode = 403;
    else if (path === '/answer' && unheard-- > 0) response.statusCode = 503;
    else if (path === '/answer') answers.push(JSON.parse(text));
    else if (refusals-- > 0) response.statusCode = 403;
    else {
      const signed = request.headers.authorization === (await expected(path, request.headers, text));
      puts.push({ path, body: JSON.parse(text), signed });
    }
    response.end();
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, puts, answers };
}

/** Runs the function as Lambda does, with one event. */
async function invoke(url: string, RequestType: string): Promise<void> {
  const Roles = JSON.stringify(domainRoles({ consumer: 'arn:c', searchApi: 'arn:s', ledger: 'arn:l' }));
  const event = {
    RequestType,
    ResponseURL: `${url}/answer`,
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Roles',
    ResourceProperties: { Endpoint: url, Roles },
  };
  const file = fileURLToPath(new URL('./map-roles.cjs', import.meta.url));
  const script = `require(${JSON.stringify(file)}).handler(${JSON.stringify(event)})`;
  const child = spawn(process.execPath, ['-e', script], { env, stdio: 'inherit' });
  assert.deepEqual(await once(child, 'exit'), [0, null]);
}

test('roles and who has them are put, each request signed as the SDK would, and CloudFormation is told', async (t) => {
  const { url, puts, answers } = await world(t, 2);
  await invoke(url, 'Create');
  assert.deepEqual(
    puts.map(({ path, signed }) => [path.replace('/_plugins/_security/api/', ''), signed]),
    ['consumer', 'search', 'ledger'].flatMap((name) => [
      [`roles/millrace_${name}`, true],
      [`rolesmapping/millrace_${name}`, true],
    ]),
  );
  assert.deepEqual(puts[1]?.body, { backend_roles: ['arn:c'] });
  assert.equal(puts[0]?.body.who, undefined);
  assert.deepEqual(answers, [
    {
      Status: 'SUCCESS',
      PhysicalResourceId: 'roles',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'Roles',
    },
  ]);
});

test('a domain that goes on refusing fails the deployment, with its answer', async (t) => {
  const { url, answers } = await world(t, 1_000);
  await invoke(url, 'Update');
  assert.equal(answers[0]?.Status, 'FAILED');
  assert.match(String(answers[0]?.Reason), /PUT roles\/millrace_consumer: 403/);
});

test('nothing is asked of the domain when the stack is deleted', async (t) => {
  const { url, puts, answers } = await world(t);
  await invoke(url, 'Delete');
  assert.deepEqual([puts.length, answers[0]?.Status], [0, 'SUCCESS']);
});
