import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { loadLines } from '../harness/log-lines.ts';
import { forgetStream, type SearchEngine, searchEngines, uniqueStream } from '../harness/search-engines.ts';
import { type SearchServer, startSearchServer } from '../harness/search-server.ts';

// Searches that cost too much: stopped by time, or by whoever asked, in the engine too.
const lines = 20_000;
/** Each wildcard looks at 200,000 words: seconds. */
const wildcards = Array.from({ length: 200 }, (_, i) => `*${i}x*${i * 7 + 3}x*`);
const slowQuery = ['needle', ...wildcards].join(' OR ');

for (const engine of searchEngines()) describe(`costs on ${engine.type}`, () => costsOn(engine));

function costsOn(engine: SearchEngine): void {
  const stream = uniqueStream('costs');
  const index = `millrace-${stream}-*`;
  const parameters = { q: slowQuery, stream, from: '*' };
  const servers: SearchServer[] = [];
  const start = async (limits: object) => {
    const server = await startSearchServer(engine, { config: { limits } });
    servers.push(server);
    return server;
  };

  before(async () => {
    const texts = Array.from({ length: lines }, (_, i) => `needle ${words(i)}`);
    await loadLines(engine, stream, [{ lines: texts }]);
  });
  after(async () => {
    for (const server of servers) await server.stop();
    await forgetStream(engine, stream);
  });

  it('a search of leading wildcards is stopped by time, answered, and marked as partial', async () => {
    const { url } = await start({ query_ms_max: 10 });
    const response = await fetch(`${url}/api/v1/search?${new URLSearchParams(parameters)}`);
    const { partial, total } = (await response.json()) as {
      partial: { code: string; message: string }[];
      total: { relation: string };
    };
    assert.deepEqual(
      [response.status, partial.map(({ code }) => code), total.relation],
      [200, ['time'], 'gte'],
    );
    assert.match(partial[0]?.message ?? '', /stopped after 10 ms.*shorter time/);
  });

  it('a client that closes its connection ends its search in the engine', async () => {
    const { url } = await start({ query_ms_max: 600_000 });
    const completed = await queriesCompleted();
    const gone = new AbortController();
    const asked = fetch(`${url}/api/v1/search?${new URLSearchParams(parameters)}`, { signal: gone.signal });
    const ended = assert.rejects(asked, { name: 'AbortError' });
    await untilTasks((running) => running > 0);
    gone.abort();
    await ended;
    await untilTasks((running) => running === 0);
    assert.equal(await queriesCompleted(), completed, 'the search was not carried through');
  });

  async function ask(path: string): Promise<unknown> {
    const response = await fetch(`${engine.node}${path}`);
    assert.ok(response.ok, `${path}: ${response.status}`);
    return response.json();
  }

  /** Searches that the shards of this stream have carried through. */
  async function queriesCompleted(): Promise<number> {
    const { _all: all } = (await ask(`/${index}/_stats/search`)) as {
      _all: { total: { search: { query_total: number } } };
    };
    return all.total.search.query_total;
  }

  /** Waits until as many searches of this stream run as `enough` says. */
  async function untilTasks(enough: (running: number) => boolean): Promise<void> {
    for (let tries = 0; tries < 1_500; tries++) {
      const { nodes } = (await ask('/_tasks?detailed=true&actions=*search*')) as {
        nodes: Record<string, { tasks: Record<string, { description?: string }> }>;
      };
      const tasks = Object.values(nodes).flatMap((node) => Object.values(node.tasks));
      if (enough(tasks.filter(({ description }) => description?.includes(stream)).length)) return;
      await delay(20);
    }
    assert.fail('the tasks of the engine did not become so within 30 s');
  }
}

/** Ten that no other line has. */
function words(line: number): string {
  const hash = (i: number) => createHash('md5').update(`${line}.${i}`).digest('hex').slice(0, 14);
  return Array.from({ length: 10 }, (_, i) => hash(i)).join(' ');
}
