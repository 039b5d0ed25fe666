import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import type { KinesisOutput } from '../config/pipeline.ts';
import {
  type Context,
  type OutputPlugin,
  optional,
  required,
  type Table,
  withDefault,
} from '../config/plugins/plugin.ts';
import { childSection, idOf, readSection } from '../config/read-section.ts';
import { type ConfigSection, placeText } from '../config/syntax/tree.ts';
import { oneOf, size, sizeText, string, stringLike, timeText } from '../config/values.ts';
import { EventSender } from '../ship/event-sender.ts';
import { singleRecords } from '../ship/packing.ts';
import { Shipper } from '../ship/shipper.ts';
import { SpillSender } from '../ship/spill.ts';
import { awsParams, connectionOf, credentialSections, credentialsText } from './aws.ts';
import { compileEncoding, eventParams, eventSections } from './events.ts';
import { waitingOf, waitingParams } from './waiting.ts';

const mebibyte = 1024 * 1024;

export const neverDropped = 'failed records are sent again until they are acknowledged, and none is dropped';

/** Parameters of fluent-plugin-kinesis that have no equal here, for all of its outputs. */
export const kinesisNotApplicable: Readonly<Record<string, string>> = {
  reduce_max_size_error_message: "a record's text is not logged",
  log_truncate_max_size: "a record's text is not logged",
  retries_on_batch_request: neverDropped,
  reset_backoff_if_success: neverDropped,
  drop_failed_records_after_batch_request_retries: neverDropped,
  monitor_num_of_batch_request_retries: 'every retry is counted in /metrics',
  aws_iam_retries: "the SDK's own tries hold",
  debug: '<system> log_level debug shows more',
  slow_flush_log_threshold:
    'a request that fails or is repeated is counted, and blocks that wait are in /metrics',
  time_as_integer: '<inject> time_type says how the time is written',
};

export const streamName = required(
  stringLike(
    /^[a-zA-Z0-9_.-]{1,128}$/,
    'the name of a stream (one output, one stream: where it depends on the tag, write a <match> for each)',
  ),
  'Name of the Kinesis stream.',
);

const table = {
  title: '<match> @type kinesis_streams',
  doc: 'Sends blocks to a Kinesis stream: compressed, of all files, sent again until they are acknowledged.',
  params: {
    stream_name: streamName,
    payload: withDefault(
      oneOf('blocks', 'events'),
      'blocks',
      'blocks: what the consumer reads, several thousand lines in a record. events: each event as a record of its own, ' +
        'for Lambda, Firehose and other consumers; `<format>`, `<inject>` and the parameters from data_key to ' +
        'max_record_size hold for these alone.',
    ),
    ...awsParams,
    ...waitingParams,
    ...eventParams,
    partition_key: optional(
      string,
      'random',
      'Field whose value is the partition key; an event without it has a random one (fluentd drops it).',
    ),
    batch_request_max_size: withDefault(
      size(mebibyte + 256, 10 * mebibyte),
      5 * mebibyte,
      'Most bytes in one request, keys included.',
    ),
  },
  notApplicable: kinesisNotApplicable,
  sections: ['buffer', 'secondary', 'spill', ...eventSections, ...credentialSections],
} satisfies Table;

/** Their absence from a stream of blocks is no loss, and their presence no mistake: fluentd's configurations have them. */
const ofEventsOnly = ['data_key', 'compression', 'chomp_record', 'max_record_size', 'partition_key'] as const;

export const kinesisStreams: OutputPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const waiting = waitingOf(section, settings, given, context);
    const { stream_name: streamNameGiven = '', payload } = settings;
    if (payload === 'blocks') noticeIdle(section, given, context);
    const encode = payload === 'events' ? compileEncoding(section, settings, context) : undefined;
    const output: KinesisOutput = {
      id: idOf(section, 'output', context),
      where: placeText(section),
      type: 'kinesis_streams',
      streamName: streamNameGiven,
      ...connectionOf(section, settings, waiting.requestsInFlightMax, context),
      ...waiting,
      takesSightings: encode === undefined,
      requestRecordsMax: settings.batch_request_max_count,
      requestBytesMax: settings.batch_request_max_size,
      describe() {
        return kinesisLines(this, encode ? 'each event as a record' : 'blocks');
      },
      createSender(sending) {
        if (encode === undefined) {
          const { createClient, outbox, clock, telemetry, onAcknowledged } = sending;
          return new Shipper(this, createClient(this), outbox, clock, telemetry, onAcknowledged);
        }
        const { max_record_size: recordBytesMax, partition_key: key } = settings;
        const packing = singleRecords(encode, keyOfField(key), recordBytesMax);
        const own = { ...this, recordBytesMax, packing };
        return new EventSender(own, sending.createClient(this), sending);
      },
    };
    return payload === 'blocks' ? withSpill(output, section, context) : output;
  },
};

/** `<spill>`: where a drain leaves what the stream does not take in time. */
export const spillTable = {
  title: '<spill>',
  doc:
    'When `agent drain` reaches its deadline, the rest is uploaded to the archive as objects of shard `spill`, which the ' +
    "consumer's filler indexes. Without it blocks stay in the outbox.",
  params: {
    bucket: required(string, "The archive's bucket."),
    prefix: withDefault(string, '', 'What stands before `archive/` in its keys, with a slash at the end.'),
    region: optional(string, "the stream's", 'Region of the bucket.'),
    endpoint: optional(
      stringLike(/^https?:\/\/[^\s/]+\/?$/, 'a URL such as https://s3.eu-west-1.amazonaws.com'),
      "the region's",
      'Another address of the service.',
    ),
  },
} satisfies Table;

function withSpill(output: KinesisOutput, section: ConfigSection, context: Context): KinesisOutput {
  const spill = childSection(section, 'spill');
  if (spill === undefined) return output;
  const { settings } = readSection(spill, spillTable, context);
  const { bucket = '', prefix, region = output.region, endpoint } = settings;
  const where = { ...output, bucket, prefix, region, endpoint };
  return {
    ...output,
    describe() {
      const at = endpoint === undefined ? '' : `, at ${endpoint}`;
      const to = `s3://${bucket}/${prefix}archive/ in ${region}${at}`;
      return [...output.describe(), ['agent drain', `past its deadline what is left is uploaded to ${to}`]];
    },
    createSpill: (sending) => new SpillSender(output, where, sending),
  };
}

/** For `agent check`. */
export function kinesisLines(output: KinesisOutput, as: string): [string, string][] {
  const { endpoint } = output;
  return [
    [
      'sends to',
      `Kinesis stream ${output.streamName} in ${output.region}${endpoint === undefined ? '' : `, at ${endpoint}`}`,
    ],
    ['signed with', credentialsText(output)],
    ['as', as],
    ['Millrace stream', output.stream],
    ['at the edge', `records are gathered ${timeText(output.lingerMs)} at most`],
    ['outbox', `${sizeText(output.outboxBytes)}; when it is full, reading stops`],
    [
      'requests',
      `up to ${output.requestsInFlightMax} at a time, of ${output.requestRecordsMax} records and ${sizeText(output.requestBytesMax)}`,
    ],
    [
      'failures',
      `sent again after ${timeText(output.retryBaseMs)} to ${timeText(output.retryMaxMs)} until acknowledged`,
    ],
  ];
}

/** The value of a field, or undefined for a random key. */
function keyOfField(name: string | undefined): (event: PlainEvent) => string | undefined {
  if (name === undefined) return () => undefined;
  return ({ fields }) => {
    const value = fields[name];
    const text = value === undefined || value === null ? '' : String(value).slice(0, 256);
    return text === '' ? undefined : text;
  };
}

function noticeIdle(section: ConfigSection, given: ReadonlySet<string>, context: Context): void {
  const why = "has no effect: blocks carry the files' own bytes (payload events sends records one by one)";
  for (const name of ofEventsOnly)
    if (given.has(name)) context.problems.notice(section.params.get(name) ?? section, `${name}: ${why}`);
  for (const child of section.children)
    if (eventSections.includes(child.name)) context.problems.notice(child, `<${child.name}>: ${why}`);
}
