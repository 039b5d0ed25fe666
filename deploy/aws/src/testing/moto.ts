import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { installed } from './pypi.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

export interface Moto {
  endpoint: string;
  /** From now on each call needs a right of its caller; before, everybody may do everything. */
  enforce(): Promise<void>;
  /** Credentials of a role, by its name. */
  assume(role: string): Promise<Credentials>;
}

/** moto, a stand-in of AWS that knows CloudFormation and IAM, on loopback. */
export async function startMoto(t: TestContext): Promise<Moto> {
  const server = spawn(installed('moto_server'), ['-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(async () => {
    server.kill();
    await once(server, 'exit');
  });
  const endpoint = await addressOf(createInterface({ input: server.stderr }));
  const post = async (path: string, body: string): Promise<string> => {
    const answer = await fetch(endpoint + path, {
      method: 'POST',
      body,
      headers:
        path === '/' ? { authorization: stsScope, 'content-type': 'application/x-www-form-urlencoded' } : {},
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text;
  };
  return {
    endpoint,
    async enforce() {
      await post('/moto-api/reset-auth', '0');
    },
    async assume(role) {
      const query = new URLSearchParams({
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: `arn:aws:iam::123456789012:role/${role}`,
        RoleSessionName: 'test',
      });
      const text = await post('/', query.toString());
      const field = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1] ?? '';
      return {
        accessKeyId: field('AccessKeyId'),
        secretAccessKey: field('SecretAccessKey'),
        sessionToken: field('SessionToken'),
      };
    },
  };
}

/** By its scope moto tells the services apart. */
const stsScope =
  'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0';

async function addressOf(lines: AsyncIterable<string>): Promise<string> {
  const said: string[] = [];
  for await (const line of lines) {
    said.push(line);
    const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`moto_server ended: ${said.join('\n')}`);
}
