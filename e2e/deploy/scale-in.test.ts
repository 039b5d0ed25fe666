import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Instance } from '../harness/instance.ts';
import { eventually } from '../harness/stack.ts';
import { automationInput, fleetTemplate, runAutomation } from '../harness/systems-manager.ts';

describe('scale-in by the local watch', { concurrency: 4 }, () => {
  test('an instance that is scaled in ships everything, and then lets its group go on', async (t) => {
    const it = await Instance.launch(t);
    it.write(2_000);
    const watcher = it.watch('--deadline', '20s');
    await eventually('the agent ships', 30, async () => (it.stream.records.size > 0 ? true : undefined));
    it.write(20_000);
    it.scaling.terminate();
    assert.equal(await it.scaling.gone, 'completed');
    it.assertNothingLost();
    assert.equal(it.archive.objects.size, 0, 'the stream took it all');
    assert.deepEqual(it.completions(), ['CONTINUE']);
    assert.deepEqual(it.metadata.refused, []);
    assert.equal(await watcher.stop(), 0);
    assert.deepEqual(watcher.events, ['watching', 'scale_in', 'drained', 'action_completed']);
  });

  test('with the stream throttled the outbox, and what finds no room in it, goes to the archive by the deadline', async (t) => {
    const it = await Instance.launch(t);
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
    assert.deepEqual(it.completions(), ['CONTINUE']);
    assert.equal(await watcher.stop(), 0);
    // It had started again by then, and goes on: what is written until the machine is off is drained by its unit.
    await eventually('the agent is started again', 30, async () =>
      it.supervisor.starts > 1 ? true : undefined,
    );
  });

  test('with stream and archive down the fleet does not wait longer than the limit; the hook is kept alive till then', async (t) => {
    // Shorter than the limit: without heartbeats it would time out.
    const it = await Instance.launch(t, { timeoutMs: 24_000 });
    it.stream.throttled = true;
    it.archive.down = true;
    it.write(1_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    const watcher = it.watch('--deadline', '1s', '--limit', '30s');
    it.scaling.terminate();
    assert.equal(await it.scaling.gone, 'completed');
    assert.ok(it.scaling.granted('RecordLifecycleActionHeartbeat').length > 0);
    assert.deepEqual(it.completions(), ['CONTINUE']);
    assert.ok(watcher.events.includes('drain_given_up'));
    // Nothing is lost while the machine is there.
    it.archive.down = false;
    await eventually('it is uploaded', 30, async () => (it.archive.objects.size > 0 ? true : undefined));
    it.assertNothingLost();
  });

  test('an agent that is killed in the middle of its drain is drained when it is there again', async (t) => {
    const it = await Instance.launch(t);
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
    const it = await Instance.launch(t);
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
    const it = await Instance.launch(t);
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
    const it = await Instance.launch(t);
    await eventually('its configuration is written', 10, async () =>
      it.supervisor.starts > 0 ? true : undefined,
    );
    const watcher = it.watch('--deadline', '5m', '--limit', '1m');
    await eventually('it has ended', 30, async () => (watcher.output.length > 1 ? true : undefined));
    assert.match(watcher.output.join('\n'), /--limit 1m is shorter than --deadline 5m/);
    assert.equal(await watcher.stop(), 2);
  });
});

describe('scale-in by EventBridge and Systems Manager', { concurrency: 4 }, () => {
  const template = fleetTemplate('scale-in.yaml');
  /** What the rule does with the event of the instance's action. */
  const automate = (it: Instance, deadline: string, limit = '60') =>
    runAutomation(template, automationInput(template, it.scaling.event), {
      scaling: it.scaling,
      env: it.commands(),
      command: { Config: it.agent.config, Deadline: deadline, Limit: limit },
    });
  const succeeded = { hold: 'Success', drain: 'Success', complete: 'Success' } as const;
  const left = { hold: 'Success', drain: 'Failed', complete: 'not run' } as const;
  const waits = (it: Instance) =>
    eventually('the action waits', 10, async () =>
      it.scaling.state === 'Terminating:Wait' ? true : undefined,
    );

  test('the command drains the agent, to the archive while the stream is throttled, and the group goes on', async (t) => {
    const it = await Instance.launch(t);
    it.stream.throttled = true;
    it.write(30_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    it.scaling.terminate();
    await waits(it);
    // It is drained whether the hook can be held or not.
    it.scaling.failures.push('Throttling', 'Throttling', 'Throttling');
    assert.deepEqual(await automate(it, '2s'), { ...succeeded, hold: 'Failed' });
    assert.equal(await it.scaling.gone, 'completed');
    it.assertNothingLost();
    assert.ok(it.archive.objects.size > 0);
    assert.deepEqual(it.completions(), ['CONTINUE']);
  });

  test('beside the watch on the instance the action is completed once, and nothing is lost', async (t) => {
    const it = await Instance.launch(t);
    it.stream.throttled = true;
    it.write(30_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    const watcher = it.watch('--deadline', '2s');
    it.scaling.terminate();
    await waits(it);
    const { drain } = await automate(it, '2s');
    assert.equal(drain, 'Success');
    assert.equal(await it.scaling.gone, 'completed');
    const over = ['action_completed', 'action_absent'];
    await eventually('the watch is done', 30, async () =>
      watcher.events.some((event) => over.includes(event)) ? true : undefined,
    );
    assert.deepEqual(it.completions(), ['CONTINUE']);
    it.assertNothingLost();
  });

  test('what one drain leaves, the next one ships: the action is completed after that, and not before', async (t) => {
    const it = await Instance.launch(t, { spills: false });
    it.stream.throttled = true;
    it.write(5_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    it.scaling.terminate();
    await waits(it);
    it.scaling.failures.push('Throttling');
    const automation = automate(it, '1s');
    // Its drain has ended, with something left.
    await eventually('the agent is started again', 30, async () =>
      it.supervisor.starts > 1 ? true : undefined,
    );
    assert.deepEqual(it.completions(), []);
    it.stream.throttled = false;
    assert.deepEqual(await automation, succeeded);
    it.assertNothingLost();
    assert.deepEqual(it.completions(), ['CONTINUE']);
  });

  test('with stream and archive down the action is not completed: the instance stays until the hook’s time is over', async (t) => {
    const it = await Instance.launch(t, { timeoutMs: 15_000 });
    it.stream.throttled = true;
    it.archive.down = true;
    it.write(1_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    it.scaling.terminate();
    await waits(it);
    assert.deepEqual(await automate(it, '1s', '4'), left);
    assert.equal(it.scaling.state, 'Terminating:Wait');
    assert.equal(await it.scaling.gone, 'timed out');
    assert.deepEqual(it.completions(), []);
  });

  test('an automation that has failed leaves the action to the watch that drains still', async (t) => {
    const it = await Instance.launch(t);
    it.stream.throttled = true;
    it.archive.down = true;
    it.write(1_000);
    await eventually('the stream refuses', 30, async () => (it.stream.refused > 0 ? true : undefined));
    const watcher = it.watch('--deadline', '1s', '--limit', '60s');
    it.scaling.terminate();
    await waits(it);
    assert.deepEqual(await automate(it, '1s', '4'), left);
    assert.deepEqual(it.completions(), []);
    it.archive.down = false;
    assert.equal(await it.scaling.gone, 'completed');
    it.assertNothingLost();
    assert.deepEqual(it.completions(), ['CONTINUE']);
    assert.ok(watcher.events.includes('drained'));
  });

  test('without an agent the command fails, and the action is left alone', async (t) => {
    const it = await Instance.launch(t);
    await eventually('its configuration is written', 10, async () =>
      it.supervisor.starts > 0 ? true : undefined,
    );
    await it.supervisor.kill();
    it.scaling.terminate();
    await waits(it);
    assert.deepEqual(await automate(it, '1s', '3'), left);
    assert.deepEqual(it.completions(), []);
    assert.equal(it.scaling.state, 'Terminating:Wait');
  });
});
