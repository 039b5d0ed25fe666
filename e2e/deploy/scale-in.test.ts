import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { AgentProcess } from '../harness/agent-process.ts';
import { AutoScalingServer } from '../harness/auto-scaling-server.ts';
import { LifecycleProcess } from '../harness/lifecycle-process.ts';
import { MetadataServer } from '../harness/metadata-server.ts';
import { ObjectServer } from '../harness/object-server.ts';
import { eventually } from '../harness/stack.ts';
import { StreamServer } from '../harness/stream-server.ts';
import { superviseAgent } from '../harness/supervise.ts';

/** An instance of a group: its metadata, its agent under a supervisor, an application that writes. */
async function instance(t: TestContext, { timeoutMs = 120_000 } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-scale-in-'));
  const metadata = await MetadataServer.listen('i-0123456789abcdef0');
  const scaling = await AutoScalingServer.listen(metadata, { timeoutMs });
  const stream = await StreamServer.listen();
  const archive = await ObjectServer.listen();
  const spill = `<spill>\nbucket archive\nendpoint ${archive.url}\n</spill>`;
  const agent = new AgentProcess(dir, stream.url, undefined, `linger 0.1s\noutbox_size 2m\n${spill}`);
  const supervisor = superviseAgent(agent);
  let lines = 0;
  let watcher: LifecycleProcess | undefined;
  t.after(async () => {
    await watcher?.stop();
    await supervisor.kill();
    for (const server of [metadata, scaling, stream, archive]) server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    metadata,
    scaling,
    stream,
    archive,
    agent,
    supervisor,
    /** The application writes this many lines. */
    write(count: number): void {
      const more = Array.from({ length: count }, () => `line ${lines++} ${Math.random()}`);
      appendFileSync(join(agent.logs, 'app.txt'), `${more.join('\n')}\n`);
    },
    watch(...args: string[]): LifecycleProcess {
      watcher = new LifecycleProcess(agent.config, metadata, scaling, '--interval', '0.2s', ...args);
      return watcher;
    },
    /** Every line that the application has written is in the stream or in the archive, and nothing else. */
    assertNothingLost(): void {
      for (const block of archive.blocks()) stream.take(block);
      const numbers = [...stream.records.values()].map((text) => Number(/^line (\d+) /.exec(text)?.[1]));
      assert.deepEqual(
        numbers.sort((a, b) => a - b),
        Array.from({ length: lines }, (_, i) => i),
      );
    },
  };
}

function completions(scaling: AutoScalingServer) {
  return scaling.granted('CompleteLifecycleAction').map(({ result }) => result);
}

describe('scale-in by the local watch', { concurrency: 4 }, () => {
  test('an instance that is scaled in ships everything, and then lets its group go on', async (t) => {
    const it = await instance(t);
    it.write(2_000);
    const watcher = it.watch('--deadline', '20s');
    await eventually('the agent ships', 30, async () => (it.stream.records.size > 0 ? true : undefined));
    it.write(20_000);
    it.scaling.terminate();
    assert.equal(await it.scaling.gone, 'completed');
    it.assertNothingLost();
    assert.equal(it.archive.objects.size, 0, 'the stream took it all');
    assert.deepEqual(completions(it.scaling), ['CONTINUE']);
    assert.deepEqual(it.metadata.refused, []);
    assert.equal(await watcher.stop(), 0);
    assert.deepEqual(watcher.events, ['watching', 'scale_in', 'drained', 'action_completed']);
  });

  test('with the stream throttled the outbox, and what finds no room in it, goes to the archive by the deadline', async (t) => {
    const it = await instance(t);
    it.write(1_000);
    await eventually('the agent ships', 30, async () =>
      it.stream.records.size === 1_000 ? true : undefined,
    );
    it.stream.throttled = true;
    // More than the outbox holds.
    it.write(100_000);
    const watcher = it.watch('--deadline', '2s');
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    it.scaling.terminate();
    assert.equal(await it.scaling.gone, 'completed');
    assert.ok(it.archive.objects.size > 0);
    assert.ok([...it.archive.objects.keys()].every((key) => key.includes('/spill/')));
    it.assertNothingLost();
    assert.deepEqual(completions(it.scaling), ['CONTINUE']);
    assert.equal(await watcher.stop(), 0);
    // It had started again by then, and goes on: what is written until the machine is off is drained by its unit.
    await eventually('the agent is started again', 30, async () =>
      it.supervisor.starts > 1 ? true : undefined,
    );
  });

  test('with stream and archive down the fleet does not wait longer than the limit; the hook is kept alive till then', async (t) => {
    // Shorter than the limit: without heartbeats it would time out.
    const it = await instance(t, { timeoutMs: 24_000 });
    it.stream.throttled = true;
    it.archive.down = true;
    it.write(1_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    const watcher = it.watch('--deadline', '1s', '--limit', '30s');
    it.scaling.terminate();
    assert.equal(await it.scaling.gone, 'completed');
    assert.ok(it.scaling.granted('RecordLifecycleActionHeartbeat').length > 0);
    assert.deepEqual(completions(it.scaling), ['CONTINUE']);
    assert.ok(watcher.events.includes('drain_given_up'));
    // Nothing is lost while the machine is there.
    it.archive.down = false;
    await eventually('it is uploaded', 30, async () => (it.archive.objects.size > 0 ? true : undefined));
    it.assertNothingLost();
  });

  test('an agent that is killed in the middle of its drain is drained when it is there again', async (t) => {
    const it = await instance(t);
    it.stream.throttled = true;
    it.write(20_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    const watcher = it.watch('--deadline', '5s');
    it.scaling.terminate();
    await eventually('it is noticed', 30, async () =>
      watcher.events.includes('scale_in') ? true : undefined,
    );
    await it.agent.kill();
    assert.equal(await it.scaling.gone, 'completed');
    it.assertNothingLost();
    assert.ok(it.archive.objects.size > 0);
  });

  test('a metadata service that wants a new token, and an API that throttles, are asked again', async (t) => {
    const it = await instance(t);
    it.write(10);
    const watcher = it.watch();
    await eventually('it watches', 30, async () => (watcher.events.includes('watching') ? true : undefined));
    await eventually('the agent ships', 30, async () => (it.stream.records.size === 10 ? true : undefined));
    it.metadata.forgetTokens();
    it.scaling.failures.push('Throttling', 'ServiceUnavailable');
    it.scaling.terminate();
    assert.equal(await it.scaling.gone, 'completed');
    assert.ok(it.metadata.refused.length > 0, 'a token was refused');
    assert.ok(watcher.events.includes('action_failed'));
    assert.ok(!watcher.events.includes('metadata_unreachable'));
    it.assertNothingLost();
  });

  test('a spot interruption drains the agent; nobody is told, as there is no action', async (t) => {
    const it = await instance(t);
    it.stream.throttled = true;
    it.write(1_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    const watcher = it.watch();
    const time = new Date(Date.now() + 32_000).toISOString();
    it.metadata.items.set('spot/instance-action', JSON.stringify({ action: 'terminate', time }));
    await eventually('it is drained', 30, async () =>
      watcher.events.includes('drained') ? true : undefined,
    );
    it.assertNothingLost();
    assert.deepEqual(it.scaling.calls, []);
  });

  test('options that are none are named', async (t) => {
    const it = await instance(t);
    await eventually('its configuration is written', 10, async () =>
      it.supervisor.starts > 0 ? true : undefined,
    );
    const watcher = it.watch('--deadline', '5m', '--limit', '1m');
    await eventually('it has ended', 30, async () => (watcher.output.length > 1 ? true : undefined));
    assert.match(watcher.output.join('\n'), /--limit 1m is shorter than --deadline 5m/);
    assert.equal(await watcher.stop(), 2);
  });
});
