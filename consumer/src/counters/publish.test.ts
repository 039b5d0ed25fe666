import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { validateConfig } from '@millrace/core/config/validate.ts';
import type { Logger } from '@millrace/core/telemetry/log.ts';
import { virtualClock } from '@millrace/core/testing/virtual-clock.ts';
import { metricsOf, sumsOf } from '../testing/emf.ts';
import { CountersConfigSchema } from './config.ts';
import { counterTelemetry } from './events.ts';
import { CountPublisher } from './publish.ts';

function setUp(overrides: object = {}) {
  const config = validateConfig(CountersConfigSchema, overrides, 'test');
  const clock = virtualClock();
  const lines: string[] = [];
  const write = (fields: object, message: string) => lines.push(JSON.stringify({ ...fields, message }));
  const log = { info: write, warn: write, child: () => log } as unknown as Logger;
  const telemetry = counterTelemetry(log);
  const publisher = new CountPublisher({ config, clock, telemetry });
  const now = Math.floor(clock.now() / 60_000);
  /** Counts of a shard's process: minutes from now, events, values. */
  const tell = (...counts: [number, number, ...string[]][]) => {
    const all = counts.map(([minute, ...rest]) => [now + minute, ...rest]);
    return publisher.take(JSON.stringify({ event: 'shard_counts', counts: all }));
  };
  const said = (name: string) =>
    lines.map((line) => JSON.parse(line)).filter(({ event }) => event === name) as { events: number }[];
  const total = async (name: string) =>
    (await telemetry.registry.getSingleMetric(`millrace_consumer_${name}_total`)?.get())?.values[0]?.value;
  return { publisher, clock, lines, now, tell, said, total };
}

test('counts of all shards become one line for each minute and series, as the specification of EMF has it', () => {
  const { publisher, lines, now, tell } = setUp();
  assert.ok(tell([0, 3, 'nginx', '200'], [0, 1, 'nginx', '404']));
  assert.ok(tell([0, 4, 'nginx', '200'], [-1, 2, 'app', 'none']));
  assert.equal(lines.length, 0);
  publisher.publish();
  assert.equal(lines.length, 3);
  const line = lines.find((each) => each.includes('"404"'));
  assert.deepEqual(JSON.parse(String(line)), {
    event: 'events_counted',
    message: 'Events of a minute.',
    _aws: {
      Timestamp: now * 60_000,
      CloudWatchMetrics: [
        {
          Namespace: 'Millrace',
          Dimensions: [['tag', 'status']],
          Metrics: [{ Name: 'events', Unit: 'Count' }],
        },
      ],
    },
    tag: 'nginx',
    status: '404',
    events: 1,
  });
  assert.deepEqual(sumsOf(lines), {
    [`Millrace events tag=nginx,status=200 @${now}`]: 7,
    [`Millrace events tag=nginx,status=404 @${now}`]: 1,
    [`Millrace events tag=app,status=none @${now - 1}`]: 2,
  });
});

test('the lines are whole lines of the log, whatever level it has', () => {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    const { counterTelemetry } = await import(${module('./events.ts')});
    const { CountPublisher } = await import(${module('./publish.ts')});
    const { createLogger } = await import('@millrace/core/telemetry/log.ts');
    const { systemClock } = await import('@millrace/core/runtime/clock.ts');
    const config = { namespace: 'N', dimensions: [['tag']], series_max: 9, interval_ms: 60_000 };
    const telemetry = counterTelemetry(createLogger('consumer', 'error'));
    const publisher = new CountPublisher({ config, clock: systemClock, telemetry });
    const minute = Math.floor(systemClock.now() / 60_000);
    publisher.take(JSON.stringify({ event: 'shard_counts', counts: [[minute, 3, 'a"b']] }));
    publisher.publish();`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const [line = '', end, ...more] = stderr.split('\n');
  assert.deepEqual([end, more], ['', []], stderr);
  const [metric] = metricsOf(line);
  assert.deepEqual([metric?.value, metric?.dimensions], [3, { tag: 'a"b' }]);
  const { level, component, event, message } = JSON.parse(line);
  assert.deepEqual(
    [level, component, event, message],
    ['info', 'consumer', 'events_counted', 'Events of a minute.'],
  );
});

test('each set of dimensions adds up to all events, whatever the others are', () => {
  const { publisher, lines, now, tell } = setUp({
    namespace: 'N',
    dimensions: [['tag'], ['log.level', 'tag']],
  });
  tell([0, 3, 'a', 'info'], [0, 4, 'a', 'error'], [0, 5, 'b', 'info']);
  publisher.publish();
  assert.deepEqual(sumsOf(lines), {
    [`N events tag=a @${now}`]: 7,
    [`N events tag=b @${now}`]: 5,
    [`N events log.level=info,tag=a @${now}`]: 3,
    [`N events log.level=error,tag=a @${now}`]: 4,
    [`N events log.level=info,tag=b @${now}`]: 5,
  });
});

test('lines are written every interval, late counts as lines of their own, and at the end what is left', async () => {
  const { publisher, clock, lines, now, tell, total } = setUp();
  const end = new AbortController();
  const running = publisher.run(end.signal);
  tell([0, 1, 'a', '200']);
  await clock.advance(59_000);
  assert.equal(lines.length, 0);
  await clock.advance(1_000);
  assert.equal(lines.length, 1);
  await clock.advance(60_000);
  assert.equal(lines.length, 1, 'nothing new');
  tell([0, 2, 'a', '200']);
  await clock.advance(60_000);
  tell([0, 4, 'a', '200']);
  end.abort();
  await running;
  publisher.publish();
  assert.equal(lines.length, 3);
  assert.deepEqual(sumsOf(lines), { [`Millrace events tag=a,status=200 @${now}`]: 7 });
  assert.equal(await total('events_counted'), 7);
});

test('more series than are told apart are "other", of one shard or of all together, and it is said once', async () => {
  const { publisher, lines, now, tell, said, total } = setUp({ series_max: 2 });
  tell([0, 1, 'a', '1'], [0, 1, 'a', '2'], [0, 7]);
  tell(...Array.from({ length: 5_000 }, (_, i): [number, number, string, string] => [0, 1, 'x', `${i}`]));
  publisher.publish();
  assert.deepEqual(sumsOf(lines), {
    [`Millrace events tag=a,status=1 @${now}`]: 1,
    [`Millrace events tag=a,status=2 @${now}`]: 1,
    [`Millrace events tag=other,status=other @${now}`]: 5_007,
  });
  assert.deepEqual(
    said('counters_other').map(({ events }) => events),
    [5_007],
  );
  publisher.publish();
  assert.equal(said('counters_other').length, 1);
  assert.equal(await total('counters_other'), 5_007);
});

test('a field that is really called other is no alarm', () => {
  const { publisher, lines, now, tell, said } = setUp();
  tell([0, 3, 'other', 'other']);
  publisher.publish();
  assert.deepEqual(sumsOf(lines), { [`Millrace events tag=other,status=other @${now}`]: 3 });
  assert.deepEqual(said('counters_other'), []);
});

test('events of times that CloudWatch takes no metrics of are told, not counted', async () => {
  const { publisher, lines, tell, said, total } = setUp();
  const [days, hours] = [24 * 60, 60];
  tell(
    [-15 * days, 1, 'a', '1'],
    [-14 * days, 2, 'a', '1'],
    [2 * hours + 1, 4, 'a', '1'],
    [1e9, 8, 'a', '1'],
  );
  publisher.publish();
  assert.deepEqual(lines.flatMap(metricsOf), []);
  assert.deepEqual(
    said('counters_untimely').map(({ events }) => events),
    [15],
  );
  assert.equal(await total('counters_untimely'), 15);
  tell([-13 * days, 1, 'a', '1'], [hours, 2, 'a', '1']);
  publisher.publish();
  assert.equal(lines.flatMap(metricsOf).length, 2);
});

test('a backfill of many minutes waits its turn behind what is new, and is bounded', async () => {
  const { publisher, clock, lines, now, tell, said } = setUp({ series_max: 4 });
  const end = new AbortController();
  const running = publisher.run(end.signal);
  const minutes = 13 * 24 * 60;
  for (const tag of ['a', 'b', 'c'])
    tell(
      ...Array.from({ length: minutes }, (_, i): [number, number, string, string] => [-1 - i, 1, tag, '1']),
    );
  tell([0, 9, 'live', '1']);
  await clock.advance(60_000);
  assert.equal(lines.flatMap(metricsOf).length, 5_000);
  assert.equal(sumsOf(lines)[`Millrace events tag=live,status=1 @${now}`], 9, 'what is new comes first');
  const [full] = said('counters_full');
  assert.ok((full?.events ?? 0) > 0);
  end.abort();
  await running;
  publisher.publish();
  const sum = Object.values(sumsOf(lines)).reduce((total, events) => total + events, 0);
  assert.equal(sum + (full?.events ?? 0), 3 * minutes + 9);
});

test("other lines, and a shard's that is cut short, are left to the log", () => {
  const { publisher } = setUp();
  for (const line of [
    'INFO x',
    '{"event":"shard_counts","counts":[[1,2,"a"]]}',
    '{"event":"shard_counts","co',
  ])
    assert.equal(publisher.take(line), false, line);
});
