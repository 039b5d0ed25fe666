import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Settings } from './settings/schema.ts';
import { settingsOf, templatesOf } from './testing/synth.ts';

function alarmsOf(t: TestContext, settings: Settings): Record<string, Record<string, unknown>> {
  const { Resources } = templatesOf(t, 'public', settings).Alarms ?? assert.fail();
  return Object.fromEntries(
    Object.values(Resources)
      .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
      .map(({ Properties }) => [String(Properties.AlarmName).replace('millrace-prod-', ''), Properties]),
  );
}

test('a stream that nobody reads is behind: its age comes with reads alone', (t) => {
  const { behind } = alarmsOf(t, settingsOf('public'));
  assert.deepEqual(
    [behind?.MetricName, behind?.TreatMissingData, behind?.EvaluationPeriods, behind?.Period],
    ['GetRecords.IteratorAgeMilliseconds', 'breaching', 5, 60],
  );
});

test('a throttled stream is said to need what its mode offers', (t) => {
  const settings = settingsOf('public');
  const says = (stream: Partial<Settings['stream']>) =>
    String(
      alarmsOf(t, { ...settings, stream: { ...settings.stream, ...stream } })['write-throttled']
        ?.AlarmDescription,
    );
  assert.match(says({}), /autoscale\.max/);
  const { autoscale: ours, ...stream } = settings.stream;
  assert.ok(ours);
  const plain = { ...settings, stream };
  assert.match(
    String(alarmsOf(t, plain)['write-throttled']?.AlarmDescription),
    /millrace shards plan, then scale/,
  );
  const onDemand = { ...settings, stream: { ...stream, mode: 'on_demand' as const } };
  const said = String(alarmsOf(t, onDemand)['write-throttled']?.AlarmDescription);
  assert.match(said, /Kinesis adds shards by itself/);
  assert.doesNotMatch(said, /scale/);
});

test('5xx of the gateway count from its tasks and from its balancer, whichever of them has any', (t) => {
  const alarm = alarmsOf(t, settingsOf('public'))['gateway-errors'];
  const metrics = alarm?.Metrics as {
    Id: string;
    Expression?: string;
    ReturnData?: boolean;
    MetricStat?: { Metric: { MetricName: string }; Period: number; Stat: string };
  }[];
  // A sum of two series has a value only where both have one.
  assert.deepEqual(
    metrics.map(({ Id, Expression, MetricStat: stat }) => [
      Expression ?? Id,
      stat && [stat.Metric.MetricName, stat.Period, stat.Stat],
    ]),
    [
      ['FILL(tasks, 0) + FILL(balancer, 0)', undefined],
      ['tasks', ['HTTPCode_Target_5XX_Count', 60, 'Sum']],
      ['balancer', ['HTTPCode_ELB_5XX_Count', 60, 'Sum']],
    ],
  );
  assert.deepEqual(
    metrics.map(({ ReturnData }) => ReturnData ?? true),
    [true, false, false],
  );
  // Newest minutes are filled with 0 before their data is there.
  assert.deepEqual([alarm?.DatapointsToAlarm, alarm?.EvaluationPeriods], [5, 8]);
});

test('loads that fail ring after their repetition, which comes within a period', (t) => {
  const templates = templatesOf(t, 'public');
  const queues = Object.values(templates.Archive?.Resources ?? {}).filter(
    ({ Type, Properties }) => Type === 'AWS::SQS::Queue' && Properties.RedrivePolicy !== undefined,
  );
  const failing = alarmsOf(t, settingsOf('public'))['loads-failing'];
  assert.equal(queues.length, 1);
  assert.ok(Number(failing?.Period) > Number(queues[0]?.Properties.VisibilityTimeout));
  assert.deepEqual([failing?.EvaluationPeriods, failing?.TreatMissingData], [2, 'notBreaching']);
  const filters = Object.values(templates.Alarms?.Resources ?? {}).filter(
    ({ Type }) => Type === 'AWS::Logs::MetricFilter',
  );
  assert.ok(filters.some(({ Properties }) => Properties.FilterPattern === '{ ($.event = "load_failed") }'));
});
