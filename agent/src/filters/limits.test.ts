import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { refusal } from '../config/testing.ts';
import { agentEvents } from '../events.ts';
import { capturedMs, configText, filtered, programOf } from './testing.ts';

const program = (type: string, lines: string, parse?: string) =>
  programOf(configText(`<filter **>\n@type ${type}\n@id f\n${lines}\n</filter>`, parse));
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`);

test('sample keeps every Nth record', () => {
  assert.deepEqual(filtered(program('sample', 'interval 4'), numbered(12)).shipped, [
    'line 3\n',
    'line 7\n',
    'line 11\n',
  ]);
  assert.equal(filtered(program('sampling_filter', 'rate 0.3'), numbered(1_000)).shipped.length, 300);
  assert.equal(filtered(program('sample', 'rate 1'), numbered(10)).shipped.length, 10);
});

test('sample keeps a minimum of each minute', () => {
  const sampling = program('sample', 'interval 1000\nminimum_rate_per_min 5');
  assert.equal(filtered(sampling, numbered(100)).shipped.length, 5);
  assert.equal(filtered(sampling, numbered(100), { at: capturedMs + 60_000 }).shipped.length, 5);
});

test('sample by key keeps all records of one value or none, the same ones each time', () => {
  const traces = Array.from({ length: 400 }, (_, i) => `{"trace":"t${i % 100}"}\n`);
  const kept = filtered(program('sample', 'rate 0.25\nkey trace', '@type json'), traces).shipped;
  const counts = Map.groupBy(kept, (line) => line);
  assert.ok(counts.size > 10 && counts.size < 45, `${counts.size} of 100`);
  assert.ok([...counts.values()].every((group) => group.length === 4));
  assert.deepEqual(filtered(program('sample', 'interval 4\nkey trace', '@type json'), traces).shipped, kept);
  assert.equal(filtered(program('sample', 'rate 0.01\nkey none', '@type json'), traces).shipped.length, 400);
});

test('throttle lets a limit of each group through in a period', () => {
  const lines = 'group_key k8s.name\ngroup_bucket_period_s 10\ngroup_bucket_limit 3\ngroup_reset_rate_s -1';
  const throttling = program('throttle', lines, '@type json');
  const records = ['a', 'a', 'b', 'a', 'a', 'b', 'a'].map((name) => `{"k8s":{"name":"${name}"}}\n`);
  assert.deepEqual(filtered(throttling, records).offsets.length, 5);
  assert.equal(filtered(throttling, records, { at: capturedMs + 1_000 }).shipped.length, 1);
  assert.equal(filtered(throttling, records, { at: capturedMs + 10_000 }).shipped.length, 5);
});

test('a throttled group stays so until its rate is down', () => {
  const throttling = program(
    'throttle',
    'group_key []\ngroup_bucket_period_s 10\ngroup_bucket_limit 20\ngroup_reset_rate_s 2',
  );
  const count = (seconds: number, records: number) =>
    filtered(throttling, numbered(records), { at: capturedMs + seconds * 1_000 }).shipped.length;
  assert.equal(count(0, 100), 20);
  assert.equal(count(5, 50), 0);
  assert.equal(count(10, 50), 0, 'a new period, as fast as before');
  assert.ok(count(40, 1) === 0 || count(80, 1) === 1, 'slow enough again');
  assert.equal(count(90, 10), 10);
});

test('group_drop_logs false drops nothing', () => {
  assert.equal(
    filtered(program('throttle', 'group_key []\ngroup_bucket_limit 60\ngroup_drop_logs false'), numbered(99))
      .shipped.length,
    99,
  );
});

test('dedupe keeps the first of a burst, and one for each window', () => {
  const deduping = program('dedupe', 'window 5s');
  const lines = ['a\n', 'a\n', 'a\n', 'b\n', 'a\n', 'a\n'];
  const { shipped, exceptions } = filtered(deduping, lines);
  assert.deepEqual(shipped, ['a\n', 'b\n', 'a\n']);
  assert.deepEqual(
    exceptions.map(({ length, by }) => [length, by]),
    [
      [4, 'dedupe f'],
      [2, 'dedupe f'],
    ],
  );
  assert.deepEqual(filtered(deduping, ['a\n'], { at: capturedMs + 4_999 }).shipped, []);
  assert.deepEqual(filtered(deduping, ['a\n', 'a\n'], { at: capturedMs + 5_000 }).shipped, ['a\n']);
});

test('dedupe compares the fields it is told', () => {
  const records = ['{"n":1,"m":"x"}\n', '{"n":2,"m":"x"}\n', '{"n":3,"m":"y"}\n', '{"n":4}\n', '{"n":4}\n'];
  assert.deepEqual(
    filtered(program('dedupe', 'keys m', '@type json'), records).shipped,
    [0, 2, 3, 4].map((i) => records[i]),
  );
});

test('what filters drop is counted by filter', async () => {
  const telemetry = createTelemetry('agent', agentEvents, createLogger('agent', 'silent'));
  const text = configText(
    '<filter **>\n@type grep\n@id g\nexclude1 message no\n</filter>\n<filter **>\n@type sample\n@id s\ninterval 2\n</filter>',
  );
  for (let round = 0; round < 2; round++)
    filtered(programOf(text, telemetry), ['no\n', 'a\n', 'b\n', 'no!\n']);
  const metrics = await telemetry.registry.metrics();
  assert.match(metrics, /millrace_agent_filter_dropped_records_total\{filter="grep g"\} 4/);
  assert.match(metrics, /millrace_agent_filter_dropped_bytes_total\{filter="grep g"\} 14/);
  assert.match(metrics, /millrace_agent_filter_dropped_records_total\{filter="sample s"\} 2/);
});

test('stdout lets all through and says so', () => {
  assert.deepEqual(filtered(program('stdout', ''), numbered(2)).shipped, numbered(2));
});

test('mistakes are named', () => {
  const says = (type: string, lines: string) => refusal(() => program(type, lines));
  assert.match(says('sample', ''), /one of rate and interval/);
  assert.match(says('sample', 'rate 1.5'), /not a share/);
  assert.match(says('sample', 'rate 0.5\ninterval 2'), /rate is given too/);
  assert.match(says('throttle', 'group_bucket_limit 60\ngroup_reset_rate_s 2'), /group_reset_rate_s/);
  assert.match(says('dedupe', 'window 0'), /out of range/);
});
