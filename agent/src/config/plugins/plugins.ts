import { kinesisStreams } from './match-kinesis-streams.ts';
import type { OutputPlugin, SourcePlugin } from './plugin.ts';
import type { Registry } from './registry.ts';
import { tail } from './source-tail.ts';

/** `<source> @type`. */
export const sources: Registry<SourcePlugin> = {
  section: '<source>',
  known: new Map([['tail', tail]]),
  later: ['forward', 'http', 'syslog', 'tcp', 'udp', 'unix', 'exec', 'stdin', 'opentelemetry', 'systemd'],
};

/** `<match> @type`. */
export const outputs: Registry<OutputPlugin> = {
  section: '<match>',
  known: new Map([['kinesis_streams', kinesisStreams]]),
  later: ['kinesis_streams_aggregated', 'kinesis_firehose', 'file', 'stdout', 'copy', 'relabel', 'null'],
};
