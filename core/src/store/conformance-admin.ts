import assert from 'node:assert/strict';
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';

export type EngineAdmin = ReturnType<typeof engineAdmin>;

/** What the conformance suite does to an engine behind the port's back; plain REST, the same on both engines. */
export function engineAdmin(node: string, access: { authorization?: string; ca?: string } = {}) {
  const base = node.replace(/\/$/, '');

  async function rest(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const { status, text } = await ask(method, base + path, body, access);
    assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  return {
    rest,
    async template(name: string): Promise<Record<string, unknown>> {
      const answer = await rest('GET', `/_index_template/${name}`);
      const [first] = answer.index_templates as { index_template: Record<string, unknown> }[];
      assert.ok(first);
      // Elasticsearch tells dates that it does not take back.
      const told = Object.entries(first.index_template).filter(
        ([key]) => !/^(created|modified)_date/.test(key),
      );
      return Object.fromEntries(told);
    },
    putTemplate: (name: string, body: unknown) => rest('PUT', `/_index_template/${name}`, body),
    /** What the analyzer of `message` makes of a text. */
    async tokens(index: string, text: string): Promise<{ token: string; start: number; end: number }[]> {
      const answer = await rest('POST', `/${index}/_analyze`, { field: 'message', text });
      const tokens = answer.tokens as { token: string; start_offset: number; end_offset: number }[];
      return tokens.map(({ token, start_offset, end_offset }) => ({
        token,
        start: start_offset,
        end: end_offset,
      }));
    },
    block: (index: string, block: string, on: boolean) =>
      rest('PUT', `/${index}/_settings`, { index: { blocks: { [block]: on ? true : null } } }),
    close: (index: string) => rest('POST', `/${index}/_close`),
    open: (index: string) => rest('POST', `/${index}/_open?wait_for_active_shards=1`),
    shardLimit: (limit: number | null) =>
      rest('PUT', '/_cluster/settings', { persistent: { 'cluster.max_shards_per_node': limit } }),
    async deleteIndices(pattern: string): Promise<void> {
      const found = await rest('GET', `/${pattern}/_settings`);
      for (const index of Object.keys(found)) await rest('DELETE', `/${index}`);
    },
  };
}

/** Not `fetch`: it takes no authority of one's own. */
function ask(
  method: string,
  url: string,
  body: unknown,
  { authorization, ca }: { authorization?: string; ca?: string },
): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
  const send = url.startsWith('https:') ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers, ...(ca ? { ca } : {}) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
