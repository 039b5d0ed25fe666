import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { Case, type CaseConfig, lines } from '../testing/case.ts';

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A case whose agent serves HTTP. */
async function open(t: TestContext, config: CaseConfig = {}) {
  const port = await freePort();
  const world = await Case.open(t, { ...config, system: [...(config.system ?? []), `http_port ${port}`] });
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  return {
    world,
    get,
    json: async (path: string) => (await get(path)).json() as Promise<Record<string, never>>,
    /** Until the answer is as wanted. */
    async eventually(path: string, wanted: (answer: { status: number; text: string }) => boolean) {
      let last = '';
      for (let i = 0; i < 1_000; i++) {
        const response = await get(path);
        last = await response.text();
        if (wanted({ status: response.status, text: last })) return last;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`never: ${path} ${wanted}; last ${last}`);
    },
  };
}

interface File {
  path: string;
  size: number;
  read: number;
  shipped: number;
  lag: number;
  state: string;
  source: string;
  tag: string;
  generation: string;
  limit?: string;
}

describe('what the agent says of itself', { concurrency: 4 }, () => {
  test('files: what is read and what is shipped, while the stream is down and after', async (t) => {
    const { world, json, eventually } = await open(t);
    world.stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
    await world.start();
    world.write('a.log', lines('x', 0, 100).join(''));
    const size = lines('x', 0, 100).join('').length;
    await world.until(() => world.stream.calls.length > 0, 'a call');
    const before = (await json('/api/v1/files')) as unknown as { total: number; files: File[] };
    assert.equal(before.total, 1);
    const [file] = before.files;
    const { generation = '', source = '', ...rest } = file ?? {};
    assert.match(generation, /^[\w-]{22}$/);
    assert.notEqual(source, '');
    assert.deepEqual(
      { ...rest, last_read: typeof (rest as { last_read?: string }).last_read },
      {
        path: world.path('a.log'),
        tag: 'test',
        size,
        read: size,
        shipped: 0,
        lag: size,
        state: 'waiting',
        last_read: 'string',
      },
    );
    world.stream.always = { do: 'accept' };
    await eventually('/api/v1/files', ({ text }) => text.includes(`"shipped":${size},"lag":0`));
    await world.stop();
  });

  test('files come in pages, in order, and can be asked for by path', async (t) => {
    const { world, json, get } = await open(t);
    for (let i = 0; i < 25; i++)
      world.write(`${i % 2 ? 'odd' : 'even'}-${String(i).padStart(2, '0')}.log`, `${i}\n`);
    await world.start();
    await world.until(() => world.texts().length === 25, 'all files');
    const paths: string[] = [];
    for (let after = '', more = true; more; ) {
      const page = (await json(`/api/v1/files?limit=10&after=${encodeURIComponent(after)}`)) as unknown as {
        total: number;
        files: File[];
        next?: string;
      };
      assert.equal(page.total, 25);
      assert.ok(page.files.length <= 10);
      paths.push(...page.files.map(({ path }) => path));
      more = page.next !== undefined;
      after = page.next ?? '';
    }
    assert.equal(paths.length, 25);
    assert.deepEqual(paths, paths.toSorted());
    const odd = (await json('/api/v1/files?path=*/odd-*')) as unknown as { total: number };
    assert.equal(odd.total, 12);
    const one = await json(`/api/v1/files?path=${world.path('odd-01.log')}`);
    assert.equal(one.total, 1);
    assert.equal((await get('/api/v1/files?limit=5000')).status, 400);
    assert.equal((await get('/api/v1/nothing')).status, 404);
    await world.stop();
  });

  test('a file that waits for a limit says which', async (t) => {
    const { world, eventually } = await open(t, { system: ['rate_limit 1k'] });
    await world.start();
    world.write('a.log', lines('x', 0, 10_000).join(''));
    await eventually('/api/v1/files', ({ text }) => text.includes('"state":"limited","limit":"rate_limit"'));
    // What a stop is for is not the agent's own limits.
    await world.stop();
    assert.equal(world.texts().length, 10_000);
  });

  test('/healthz goes red while nothing is acknowledged, and green again', async (t) => {
    const { world, eventually, json } = await open(t, { system: ['health_no_progress 1s'] });
    world.stream.always = { do: 'refuse', which: () => true };
    await world.start();
    await eventually('/healthz', ({ status }) => status === 200);
    world.write('a.log', 'x\n');
    const red = await eventually('/healthz', ({ status }) => status === 503);
    assert.match(
      red,
      /^\{"status":"unhealthy","reason":"output \S+: 1 blocks wait, and none was acknowledged/,
    );
    assert.match(JSON.stringify(await json('/api/v1/status')), /"problems":\["output /);
    world.stream.always = { do: 'accept' };
    await eventually('/healthz', ({ status }) => status === 200);
    await world.stop();
  });

  test('status and metrics name outputs and sources', async (t) => {
    const { world, json, get, eventually } = await open(t);
    await world.start();
    world.write('a.log', 'x\n');
    await world.arrived('x\n');
    await eventually('/api/v1/status', ({ text }) => text.includes('"outbox_blocks":0'));
    const status = (await json('/api/v1/status')) as unknown as {
      version: string;
      uptime_seconds: number;
      outputs: {
        id: string;
        shipped_blocks: number;
        last_acknowledged: string;
        rate_bytes_per_second: null;
      }[];
      inputs: { type: string }[];
      files: { open: number };
    };
    assert.match(status.version, /^\d+\.\d+\.\d+/);
    assert.equal(status.outputs.length, 1);
    assert.equal(status.outputs[0]?.shipped_blocks, 1);
    assert.ok(Date.parse(status.outputs[0]?.last_acknowledged ?? '') > 0);
    assert.equal(status.outputs[0]?.rate_bytes_per_second, null);
    assert.deepEqual(
      status.inputs.map(({ type }) => type),
      ['tail'],
    );
    assert.equal(status.files.open, 1);
    const metrics = await (await get('/metrics')).text();
    assert.match(metrics, /^millrace_agent_output_shipped_blocks_total\{output="\S+"\} 1$/m);
    assert.match(metrics, /^millrace_agent_output_shipped_source_bytes_total\{output="\S+"\} 2$/m);
    assert.match(metrics, /^millrace_agent_source_read_bytes_total\{source="\S+"\} 2$/m);
    assert.match(metrics, /^millrace_agent_source_lag_bytes\{source="\S+"\} 0$/m);
    assert.equal((await get('/readyz')).status, 200);
    await world.stop();
  });
});
