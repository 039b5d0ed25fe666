import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AgentProcess } from '../harness/agent-process.ts';
import { listKeys } from '../harness/archive.ts';
import { AutoScalingServer } from '../harness/auto-scaling-server.ts';
import { LifecycleProcess } from '../harness/lifecycle-process.ts';
import { startLossyProxy } from '../harness/lossy-proxy.ts';
import { MetadataServer } from '../harness/metadata-server.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { endpoint, eventually, stackUnderTest } from '../harness/stack.ts';
import { superviseAgent } from '../harness/supervise.ts';

const stack = stackUnderTest();

test('an instance is scaled in while its stream throttles: every line is in search, once, and its group has waited for it', async (t) => {
  const token = `scalein${process.pid}`;
  const proxy = await startLossyProxy(endpoint(stack, 'kinesis'));
  const metadata = await MetadataServer.listen('i-0fedcba9876543210');
  const scaling = await AutoScalingServer.listen(metadata);
  const dir = mkdtempSync(join(tmpdir(), 'millrace-own-agent-'));
  const spill = `<spill>\nbucket millrace\nendpoint ${endpoint(stack, 's3')}\n</spill>`;
  const agent = new AgentProcess(dir, proxy.url, undefined, `outbox_size 2m\n${spill}`);
  const supervisor = superviseAgent(agent);
  const watcher = new LifecycleProcess(
    agent.config,
    metadata,
    scaling,
    ...['--deadline', '3s', '--interval', '0.5s'],
  );
  t.after(async () => {
    await watcher.stop();
    await supervisor.kill();
    for (const server of [proxy, metadata, scaling]) server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const lines: string[] = [];
  const write = (count: number) => {
    const more = Array.from({ length: count }, (_, i) => `${token} line ${lines.length + i}`);
    lines.push(...more);
    appendFileSync(join(agent.logs, 'app.txt'), `${more.join('\n')}\n`);
  };

  write(2_000);
  await countReaches(stack, token, 2_000, 60);
  proxy.throttled = true;
  write(20_000);
  await eventually('the stream throttles', 30, async () => (proxy.refused > 0 ? true : undefined));
  scaling.terminate();
  // The application writes on while the instance waits for its end.
  write(1_000);

  assert.equal(await scaling.gone, 'completed');
  assert.deepEqual(
    scaling.granted('CompleteLifecycleAction').map(({ result }) => result),
    ['CONTINUE'],
  );
  // The machine is gone, and its disk with it.
  await supervisor.kill();
  rmSync(dir, { recursive: true, force: true });
  const keys = (await listKeys(stack)).filter((key) => key.includes('/spill/'));
  assert.ok(keys.length > 0, 'objects of shard spill');
  await countReaches(stack, token, lines.length, 120);
  await assertExactlyOnce(stack, token, lines);
});
