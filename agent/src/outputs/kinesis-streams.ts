import { childSection, idOf, readSection } from '../read-section.ts';
import { type ConfigSection, configError, placeText } from '../syntax/tree.ts';
import { integer, size, string, stringLike, time } from '../values.ts';
import { bufferTable } from './buffer.ts';
import {
  type Context,
  type OutputPlugin,
  optional,
  required,
  type SettingsOf,
  type Table,
  withDefault,
} from './plugin.ts';

const mebibyte = 1024 * 1024;
const lingerMsMax = 1_000;
const retryMsMax = 30_000;

const blocks = "blocks carry the files' own bytes; documents are made of them behind the stream";
const neverDropped = 'failed records are sent again until they are acknowledged, and none is dropped';

const table = {
  title: '<match> @type kinesis_streams',
  doc: 'Sends blocks to a Kinesis stream: compressed, of all files, sent again until they are acknowledged.',
  params: {
    stream_name: required(
      stringLike(/^[a-zA-Z0-9_.-]{1,128}$/, 'the name of a stream (placeholders are not supported yet)'),
      'Name of the Kinesis stream.',
    ),
    region: optional(string, '`AWS_REGION`', 'AWS region of the stream.'),
    endpoint: optional(
      stringLike(/^https?:\/\/[^\s/]+\/?$/, 'a URL such as https://kinesis.eu-west-1.amazonaws.com'),
      "the region's",
      'Another address of the service.',
    ),
    aws_key_id: optional(string, "the SDK's chain", 'Access key. A role needs none and cannot be copied.'),
    aws_sec_key: optional(string, "the SDK's chain", 'Secret of the access key.'),
    aws_ses_token: optional(string, 'none', 'Session token of a temporary key.'),
    stream: withDefault(
      stringLike(/^[a-z0-9_]{1,64}$/, 'a name of a-z, 0-9 and _'),
      'logs',
      'Millrace stream: names the indices and the folder in the archive.',
    ),
    linger: withDefault(
      time(0, lingerMsMax),
      500,
      'How long records wait for others. A record that finds the output idle is sent at once.',
    ),
    outbox_size: withDefault(
      size(2 * mebibyte, 1024 ** 4),
      32 * mebibyte,
      'Room for blocks that are not acknowledged. When it is full, reading stops.',
    ),
    drain_timeout: withDefault(
      time(0, 3_600_000),
      30_000,
      'How long a stopping agent goes on shipping what it has read.',
    ),
    batch_request_max_count: withDefault(integer(1, 500), 500, 'Most records in one request.'),
    batch_request_max_size: withDefault(
      size(mebibyte + 256, 10 * mebibyte),
      5 * mebibyte,
      'Most bytes in one request, keys included.',
    ),
  },
  notApplicable: {
    partition_key: 'each block has a random key, so that no shard runs hot',
    data_key: blocks,
    compression: 'blocks are compressed with zstd, always',
    chomp_record: blocks,
    reduce_max_size_error_message: "a record's text is not logged",
    log_truncate_max_size: "a record's text is not logged",
    max_record_size: 'a block is at most 1 MiB, and a longer line is cut into several',
    retries_on_batch_request: neverDropped,
    reset_backoff_if_success: neverDropped,
    drop_failed_records_after_batch_request_retries: neverDropped,
    monitor_num_of_batch_request_retries: 'every retry is counted in /metrics',
    aws_iam_retries: "the SDK's own tries hold",
    debug: '<system> log_level debug shows more',
  },
  later: {
    http_proxy: { why: 'the stream is reached directly' },
    ssl_verify_peer: { why: "the service's certificate is always checked", harmless: ['true', 'yes', ''] },
  },
  sections: ['buffer'],
  sectionsNotApplicable: {
    format: blocks,
    inject: 'every document has its time, tag and host name: `@timestamp`, `tag`, `host.name`',
    instance_profile_credentials: "the SDK's chain asks the instance when no key is given",
    secondary: 'nothing is ever given up, so nothing would come there',
  },
  sectionsLater: {
    assume_role_credentials: "set AWS_ROLE_ARN or a profile for the SDK's chain",
    web_identity_credentials: "set AWS_WEB_IDENTITY_TOKEN_FILE for the SDK's chain",
    shared_credentials: "set AWS_PROFILE for the SDK's chain",
    process_credentials: "set a profile with credential_process for the SDK's chain",
  },
} satisfies Table;

type Settings = SettingsOf<typeof table.params>;

export const kinesisStreams: OutputPlugin = {
  table,
  compile(section, context) {
    const { settings, given } = readSection(section, table, context);
    const buffer = childSection(section, 'buffer') ?? {
      name: 'buffer',
      arg: '',
      params: new Map(),
      children: [],
      file: section.file,
      line: section.line,
    };
    const { settings: waiting } = readSection(buffer, bufferTable, context);
    if (buffer.arg !== '')
      context.problems.notice(
        buffer,
        `<buffer ${buffer.arg}>: its keys have no effect: a block holds all tags`,
      );
    const retryMaxMs = waiting.retry_max_interval ?? Math.max(retryMsMax, waiting.retry_wait);
    if (retryMaxMs < waiting.retry_wait)
      throw configError(
        buffer.params.get('retry_max_interval') ?? buffer,
        'retry_max_interval: is shorter than retry_wait',
      );
    return {
      id: idOf(section, 'output', context),
      where: placeText(section),
      streamName: settings.stream_name ?? '',
      region: regionOf(section, settings, context),
      endpoint: settings.endpoint,
      credentials: credentialsOf(section, settings, context),
      stream: settings.stream,
      lingerMs: given.has('linger')
        ? settings.linger
        : lingerOf(buffer, waiting.flush_interval ?? settings.linger, context),
      outboxBytes: settings.outbox_size,
      drainTimeoutMs: settings.drain_timeout,
      requestRecordsMax: settings.batch_request_max_count,
      requestBytesMax: settings.batch_request_max_size,
      requestsInFlightMax: waiting.flush_thread_count,
      retryBaseMs: waiting.retry_wait,
      retryMaxMs,
    };
  },
};

function regionOf(section: ConfigSection, settings: Settings, context: Context): string {
  const region = settings.region ?? context.env.AWS_REGION ?? context.env.AWS_DEFAULT_REGION;
  if (region === undefined || region === '')
    throw configError(
      section,
      `region: required in ${table.title} (or in AWS_REGION)`,
      'name the region of the stream, as in region eu-west-1',
    );
  return region;
}

function credentialsOf(
  section: ConfigSection,
  settings: Settings,
  context: Context,
): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined {
  const { aws_key_id: accessKeyId, aws_sec_key: secretAccessKey, aws_ses_token: sessionToken } = settings;
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined)
    throw configError(
      section.params.get('aws_sec_key') ?? section,
      'aws_sec_key: aws_key_id is missing beside it',
    );
  const place = section.params.get('aws_key_id') ?? section;
  if (secretAccessKey === undefined) throw configError(place, 'aws_key_id: aws_sec_key is missing beside it');
  if (settings.endpoint === undefined)
    context.problems.notice(
      place,
      'aws_key_id: works, but a key on a server can be copied: prefer a role (give no key)',
    );
  return sessionToken === undefined
    ? { accessKeyId, secretAccessKey }
    : { accessKeyId, secretAccessKey, sessionToken };
}

/** fluentd waits a minute by default; blocks gain nothing after a second. */
function lingerOf(buffer: ConfigSection, flushMs: number, context: Context): number {
  const place = buffer.params.get('flush_interval');
  if (flushMs > lingerMsMax && place)
    context.problems.notice(
      place,
      'flush_interval: is read as 1s, the longest time that records are gathered',
    );
  return Math.min(flushMs, lingerMsMax);
}
