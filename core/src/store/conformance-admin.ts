import assert from 'node:assert/strict';

export type EngineAdmin = ReturnType<typeof engineAdmin>;

/** What the conformance suite does to an engine behind the port's back; plain REST, the same on both engines. */
export function engineAdmin(node: string) {
  const base = node.replace(/\/$/, '');

  async function rest(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(base + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  return {
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
    shardLimit: (limit: number | null) =>
      rest('PUT', '/_cluster/settings', { persistent: { 'cluster.max_shards_per_node': limit } }),
    async deleteIndices(pattern: string): Promise<void> {
      const found = await rest('GET', `/${pattern}/_settings`);
      for (const index of Object.keys(found)) await rest('DELETE', `/${index}`);
    },
  };
}
