import { dedupe } from '../../filters/dedupe.ts';
import { grep } from '../../filters/grep.ts';
import { parser } from '../../filters/parser.ts';
import { recordTransformer } from '../../filters/record-transformer.ts';
import { redact } from '../../filters/redact.ts';
import { sample } from '../../filters/sample.ts';
import { stdoutFilter } from '../../filters/stdout.ts';
import { throttle } from '../../filters/throttle.ts';
import { exec } from '../../inputs/exec/config.ts';
import { stdin } from '../../inputs/exec/stdin-config.ts';
import { forward } from '../../inputs/forward/config.ts';
import { http } from '../../inputs/http/config.ts';
import { opentelemetry } from '../../inputs/otlp/config.ts';
import { syslog } from '../../inputs/syslog/config.ts';
import { systemd } from '../../inputs/systemd/config.ts';
import { file } from '../../outputs/file.ts';
import { kinesisFirehose } from '../../outputs/kinesis-firehose.ts';
import { kinesisStreams } from '../../outputs/kinesis-streams.ts';
import { kinesisStreamsAggregated } from '../../outputs/kinesis-streams-aggregated.ts';
import { nullOutput } from '../../outputs/null.ts';
import { stdout } from '../../outputs/stdout.ts';
import {
  foreignFilters,
  foreignOutputs,
  foreignSources,
  idleFilters,
  idleOutputs,
  idleSources,
} from './foreign-types.ts';
import type { FilterPlugin, OutputPlugin, SourcePlugin } from './plugin.ts';
import type { Registry } from './registry.ts';
import { tail } from './source-tail.ts';

/** `<source> @type`. */
export const sources: Registry<SourcePlugin> = {
  section: '<source>',
  known: new Map<string, SourcePlugin>([
    ['tail', tail],
    ['forward', forward],
    ['syslog', syslog],
    ['http', http],
    ['opentelemetry', opentelemetry],
    ['exec', exec],
    ['stdin', stdin],
    ['systemd', systemd],
  ]),
  elsewhere: foreignSources,
  idle: idleSources,
};

/** `<filter> @type`. */
export const filters: Registry<FilterPlugin> = {
  section: '<filter>',
  known: new Map<string, FilterPlugin>([
    ['grep', grep],
    ['record_transformer', recordTransformer],
    ['parser', parser],
    ['redact', redact],
    ['sample', sample],
    ['sampling_filter', sample],
    ['throttle', throttle],
    ['dedupe', dedupe],
    ['stdout', stdoutFilter],
  ]),
  elsewhere: foreignFilters,
  idle: idleFilters,
};

/** `<match> @type`, and `<store> @type`; `copy` and `relabel` are the compiler's own. */
export const outputs: Registry<OutputPlugin> = {
  section: '<match>',
  known: new Map<string, OutputPlugin>([
    ['kinesis_streams', kinesisStreams],
    ['kinesis_streams_aggregated', kinesisStreamsAggregated],
    ['kinesis_firehose', kinesisFirehose],
    ['file', file],
    ['stdout', stdout],
    ['null', nullOutput],
  ]),
  elsewhere: foreignOutputs,
  idle: idleOutputs,
};
