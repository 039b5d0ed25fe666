import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { createTelemetry } from '@millrace/core/telemetry/events.ts';
import { createLogger } from '@millrace/core/telemetry/log.ts';
import { agentEvents } from '../events.ts';
import { emfDocuments, Growth, type MetricValue, metricValues, statsdDatagrams } from './metric-lines.ts';
import { pushMetrics } from './push-metrics.ts';

const counter = (name: string, value: number, labels: MetricValue['labels'] = []): MetricValue => ({
  name,
  type: 'counter',
  labels,
  value,
});
const gauge = (name: string, value: number): MetricValue => ({ name, type: 'gauge', labels: [], value });

test('StatsD lines: counters as what they grew by, gauges as they are, labels in the name or as tags', () => {
  const values = [counter('m_total', 5, [['output', 'my out/1']]), gauge('g', 2.5)];
  assert.deepEqual(statsdDatagrams(values, false), ['m_total.my_out_1:5|c\ng:2.5|g']);
  assert.deepEqual(statsdDatagrams(values, true), ['m_total:5|c|#output:my out/1\ng:2.5|g']);
});

test('no datagram is longer than a network passes whole', () => {
  const values = Array.from({ length: 500 }, (_, i) => gauge(`metric_${i}`, i));
  const datagrams = statsdDatagrams(values, false);
  assert.ok(datagrams.every((datagram) => datagram.length <= 1400));
  assert.equal(datagrams.join('\n').split('\n').length, 500);
});

test('a counter that did not grow is not sent', () => {
  const growth = new Growth();
  const of = (a: number, b: number) =>
    growth.of([counter('c', a, [['k', 'a']]), counter('c', b, [['k', 'b']])]).map(({ value }) => value);
  assert.deepEqual(of(3, 0), [3]);
  assert.deepEqual(of(3, 4), [4]);
  assert.deepEqual(of(5, 4), [2]);
});

test('EMF documents hold what CloudWatch asks for: at most 100 metrics, their dimensions as members', () => {
  const about = { namespace: 'N', logGroup: 'group', host: 'web-1', nowMs: 1_762_000_000_000.5 };
  const values = [
    ...Array.from({ length: 150 }, (_, i) => gauge(`g${i}_bytes`, i)),
    counter('c_total', 7, [['output', 'o']]),
  ];
  const documents = emfDocuments(values, about).map((line) => JSON.parse(line));
  assert.deepEqual(
    documents.map(({ _aws }) => _aws.CloudWatchMetrics[0].Metrics.length),
    [100, 50, 1],
  );
  assert.deepEqual(documents[2], {
    _aws: {
      Timestamp: 1_762_000_000_000,
      LogGroupName: 'group',
      LogStreamName: 'web-1',
      CloudWatchMetrics: [
        {
          Namespace: 'N',
          Dimensions: [['host', 'output']],
          Metrics: [{ Name: 'c_total', Unit: 'Count' }],
        },
      ],
    },
    host: 'web-1',
    output: 'o',
    c_total: 7,
  });
  assert.equal(documents[0]._aws.CloudWatchMetrics[0].Metrics[0].Unit, 'Bytes');
});

test('the registry is pushed to StatsD, to an EMF agent over TCP, and to stdout at the end', async (t) => {
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  t.after(() => udp.close());
  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  t.after(() => tcp.close());
  const datagrams: string[] = [];
  udp.on('message', (bytes) => datagrams.push(bytes.toString()));
  const stream = new Promise<string>((resolve) => {
    tcp.once('connection', (socket) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => resolve(text));
    });
  });
  const telemetry = createTelemetry('agent', agentEvents, createLogger('agent', 'silent'));
  telemetry.gaugeBy('lag', 'x', 'source', () => [['s1', 42]]);
  telemetry.emit('agent_started');
  const ended = new AbortController();
  const lines: string[] = [];
  const options = { host: 'h', clock: systemClock, telemetry, write: (line: string) => lines.push(line) };
  const emf = { intervalMs: 60_000, namespace: 'N', logGroup: 'g' };
  const place = { host: '127.0.0.1', port: (tcp.address() as AddressInfo).port };
  const pushing = Promise.all([
    pushMetrics(
      {
        statsd: { host: '127.0.0.1', port: udp.address().port, intervalMs: 60_000, tags: true },
        emf: { ...emf, to: { ...place, protocol: 'tcp' } },
      },
      options,
      ended.signal,
    ),
    pushMetrics({ emf: { ...emf, to: 'stdout' } }, options, ended.signal),
  ]);
  ended.abort();
  await pushing;
  assert.match(await stream, /"millrace_agent_agent_started_total":1/);
  assert.match(lines.join(''), /"source":"s1","millrace_agent_lag":42}\n/);
  for (let i = 0; i < 500 && datagrams.length === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match(datagrams.join('\n'), /^millrace_agent_agent_started_total:1\|c$/m);
  assert.match(datagrams.join('\n'), /^millrace_agent_lag:42\|g\|#source:s1$/m);
});

test('values that grow are counters, whatever they are read from', async () => {
  const telemetry = createTelemetry('agent', agentEvents, createLogger('agent', 'silent'));
  telemetry.gauge('bytes_read_total', 'x', () => 5);
  const values = await metricValues(telemetry.registry);
  assert.equal(values.find(({ name }) => name.endsWith('bytes_read_total'))?.type, 'counter');
});
