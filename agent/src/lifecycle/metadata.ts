import { request } from '@millrace/core/runtime/node-http.ts';

/** Where every instance finds its metadata. */
export const metadataEndpoint = 'http://169.254.169.254';

/** Seconds that a token is asked for: the longest there is. */
const tokenSeconds = 21_600;
/** It is answered by the machine's own host; longer means that nobody is there. */
const timeoutMs = 2_000;
const textBytesMax = 64 * 1024;

interface Answer {
  status: number;
  text: string;
}

/** EC2's instance metadata service, version 2: each question carries a token that was asked for before. */
export class InstanceMetadata {
  readonly #endpoint: string;
  #token: string | undefined;

  constructor(endpoint: string = metadataEndpoint) {
    this.#endpoint = endpoint.replace(/\/$/, '');
  }

  /**
   * Text of an item of `/latest/meta-data/`; undefined where the instance has none of that name.
   * @throws Error when the service does not answer, or refuses
   */
  async item(path: string): Promise<string | undefined> {
    let answer = await this.#get(path);
    // The token has run out, or the instance was stopped and started since.
    if (answer.status === 401) {
      this.#token = undefined;
      answer = await this.#get(path);
    }
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`the metadata service answered ${answer.status} for ${path}`);
    return answer.text.trim();
  }

  /** The same for an item that every instance has. */
  async required(path: string): Promise<string> {
    const text = await this.item(path);
    if (text === undefined) throw new Error(`the metadata service has no ${path}`);
    return text;
  }

  async #get(path: string): Promise<Answer> {
    this.#token ??= await this.#newToken();
    return this.#ask('GET', `/latest/meta-data/${path}`, { 'x-aws-ec2-metadata-token': this.#token });
  }

  async #newToken(): Promise<string> {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenSeconds) };
    const { status, text } = await this.#ask('PUT', '/latest/api/token', headers);
    if (status !== 200) throw new Error(`the metadata service answered ${status} for a token`);
    return text;
  }

  #ask(method: string, path: string, headers: Record<string, string>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const asked = request(this.#endpoint + path, { method, headers, signal }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > textBytesMax) response.destroy(new Error(`${path} is too long`));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      });
      asked.on('error', reject);
      asked.end();
    });
  }
}
