import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../events.ts';
import type { EmfSettings, Operating, StatsdSettings } from './config.ts';
import { emfDocuments, Growth, metricValues, statsdDatagrams } from './metric-lines.ts';

interface PushOptions {
  host: string;
  clock: Clock;
  telemetry: AgentTelemetry;
  /** Of `emf stdout`. */
  write(line: string): void;
}

const connectMs = 5_000;

/** Sends the metrics to where `<system>` says, every interval and once more at the end. */
export async function pushMetrics(
  { statsd, emf }: Pick<Operating, 'statsd' | 'emf'>,
  options: PushOptions,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    statsd && repeat(statsd.intervalMs, options, signal, statsdSender(statsd)),
    emf && repeat(emf.intervalMs, options, signal, emfSender(emf)),
  ]);
}

type Send = (options: PushOptions, growth: Growth) => Promise<void>;

async function repeat(
  intervalMs: number,
  options: PushOptions,
  signal: AbortSignal,
  send: Send,
): Promise<void> {
  const { clock, telemetry } = options;
  const growth = new Growth();
  let failing = false;
  for (let last = false; !last; ) {
    await clock.sleep(intervalMs, signal);
    last = signal.aborted;
    try {
      await send(options, growth);
      failing = false;
    } catch (error) {
      // Once: what cannot be told is no reason to fill the log.
      if (!failing) telemetry.emit('metrics_unsent', { error: messageOf(error) });
      failing = true;
    }
  }
}

function statsdSender({ host, port, tags }: StatsdSettings): Send {
  return async ({ telemetry }, growth) => {
    const values = growth.of(await metricValues(telemetry.registry));
    await sendDatagrams(host, port, statsdDatagrams(values, tags));
  };
}

function emfSender({ to, namespace, logGroup }: EmfSettings): Send {
  return async ({ telemetry, host, clock, write }, growth) => {
    const values = growth.of(await metricValues(telemetry.registry));
    const lines = emfDocuments(values, { namespace, logGroup, host, nowMs: clock.now() });
    if (to === 'stdout') for (const line of lines) write(`${line}\n`);
    else if (to.protocol === 'udp')
      await sendDatagrams(
        to.host,
        to.port,
        lines.map((line) => `${line}\n`),
      );
    else await sendStream(to.host, to.port, `${lines.join('\n')}\n`);
  };
}

async function sendDatagrams(host: string, port: number, datagrams: string[]): Promise<void> {
  if (datagrams.length === 0) return;
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    for (const datagram of datagrams)
      await new Promise<void>((resolve, reject) => {
        socket.send(datagram, port, host, (error) => (error ? reject(error) : resolve()));
      });
  } finally {
    socket.close();
  }
}

function sendStream(host: string, port: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.setTimeout(connectMs, () => socket.destroy(new Error(`no answer in ${connectMs} ms`)));
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.end(text, () => socket.destroy());
  });
}
