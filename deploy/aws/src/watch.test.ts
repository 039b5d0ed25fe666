import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
      ['FILL(one, 0) + FILL(two, 0)', undefined],
      ['one', ['HTTPCode_Target_5XX_Count', 60, 'Sum']],
      ['two', ['HTTPCode_ELB_5XX_Count', 60, 'Sum']],
    ],
  );
  assert.deepEqual(
    metrics.map(({ ReturnData }) => ReturnData ?? true),
    [true, false, false],
  );
  // Newest minutes are filled with 0 before their data is there.
  assert.deepEqual([alarm?.DatapointsToAlarm, alarm?.EvaluationPeriods], [5, 8]);
});

/** Counts of log lines, by the metric that they become. */
function patternsOf(t: TestContext): Record<string, string> {
  const { Resources } = templatesOf(t, 'public').Alarms ?? assert.fail();
  return Object.fromEntries(
    Object.values(Resources)
      .filter(({ Type }) => Type === 'AWS::Logs::MetricFilter')
      .map(({ Properties }) => [
        (Properties.MetricTransformations as { MetricName: string }[])[0]?.MetricName ?? '',
        String(Properties.FilterPattern),
      ]),
  );
}

test('each event of level error that a consumer has is in the pattern of an alarm', (t) => {
  const page = readFileSync(new URL('../../../docs/operations/alarms.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('## The consumer says');
  const rows = section.split('## The search API says')[0]?.matchAll(/^\| (`.+`) \| error \|/gm) ?? [];
  const events = [...rows].flatMap(([, names = '']) => names.match(/\w+/g) ?? []);
  assert.ok(events.length > 10);
  const patterns = Object.values(patternsOf(t)).join();
  assert.deepEqual(
    events.filter((event) => !patterns.includes(`"${event}"`)),
    [],
  );
});

test('what lasts rings by lines that are said each minute, in two periods one after the other', (t) => {
  const patterns = patternsOf(t);
  const alarms = alarmsOf(t, settingsOf('public'));
  for (const event of ['store_down', 'store_waiting', 'indices_blocked', 'horizons_unread'])
    assert.match(patterns.StoreDown ?? '', new RegExp(`"${event}"`));
  assert.match(patterns.ArchiveWaiting ?? '', /"upload_retried"/);
  for (const [name, above] of [
    ['store-down', 0],
    ['archive-waiting', 10],
  ] as const)
    assert.deepEqual([alarms[name]?.EvaluationPeriods, alarms[name]?.Threshold], [2, above]);
  assert.equal(patterns.SearchFailures, '{ $.level = "error" }');
  assert.equal(patterns.GatewayFailures, '{ $.level = "error" }');
});

test('tables are asked for throttled reads and writes, which DynamoDB counts by table', (t) => {
  const metrics = alarmsOf(t, settingsOf('public'))['leases-throttled']?.Metrics as {
    MetricStat?: { Metric: { MetricName: string; Dimensions: { Name: string }[] } };
  }[];
  assert.deepEqual(
    metrics.flatMap(({ MetricStat: stat }) =>
      stat ? [[stat.Metric.MetricName, stat.Metric.Dimensions.map(({ Name }) => Name)]] : [],
    ),
    [
      ['ReadThrottleEvents', ['TableName']],
      ['WriteThrottleEvents', ['TableName']],
    ],
  );
});

test('objects that wait ring before SQS has forgotten how long', (t) => {
  const queue = Object.values(templatesOf(t, 'public').Archive?.Resources ?? {}).find(
    ({ Type, Properties }) => Type === 'AWS::SQS::Queue' && Properties.RedrivePolicy !== undefined,
  );
  // What was received three times counts no more.
  const seenSeconds = 2 * Number(queue?.Properties.VisibilityTimeout);
  const late = alarmsOf(t, settingsOf('public'))['loads-late'];
  assert.ok(Number(late?.Threshold) + Number(late?.Period) * Number(late?.EvaluationPeriods) <= seenSeconds);
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
