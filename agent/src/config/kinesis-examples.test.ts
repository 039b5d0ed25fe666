import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfig } from '../check.ts';
import { loadText, matchText, sourceText, testEnvironment } from './testing.ts';

const role = 'role_arn arn:aws:iam::123456789012:role/x\nrole_session_name me';

/** fluent-plugin-kinesis' README: the lines of `<match>`, what `agent check` says of it, and what has no effect. */
const kinesisExamples: [name: string, lines: string, says: RegExp[], idle: string[]][] = [
  [
    'a stream and a partition key',
    '@type kinesis_streams\nregion us-east-1\nstream_name YOUR_STREAM\npartition_key key  # Otherwise, use random partition key',
    [/Kinesis stream YOUR_STREAM in us-east-1/, /blocks/, /the SDK's credential chain/],
    ['partition_key'],
  ],
  [
    'a partition key of single events',
    '@type kinesis_streams\nregion us-east-1\nstream_name YOUR_STREAM\npayload events\npartition_key key',
    [/each event as a record/],
    [],
  ],
  [
    'a delivery stream',
    '@type kinesis_firehose\nregion us-east-1\ndelivery_stream_name YOUR_STREAM\nappend_new_line true',
    [/Firehose delivery stream YOUR_STREAM in us-east-1/],
    [],
  ],
  [
    'aggregated records',
    '@type kinesis_streams_aggregated\nregion us-east-1\nstream_name YOUR_STREAM\nfixed_partition_key k',
    [/Kinesis Producer Library/],
    [],
  ],
  [
    'a buffer',
    '@type kinesis_streams\nregion us-east-1\nstream_name s\n<buffer>\nflush_interval 1\nchunk_limit_size 1m\nflush_thread_interval 0.1\nflush_thread_burst_interval 0.01\nflush_thread_count 15\n</buffer>',
    [/gathered 1s at most/, /up to 15 at a time/],
    ['chunk_limit_size', 'flush_thread_interval', 'flush_thread_burst_interval'],
  ],
  [
    'a format and injected fields',
    '@type kinesis_streams\nregion us-east-1\nstream_name s\npayload events\n<format>\n@type json\n</format>\n<inject>\ntime_key time\ntag_key tag\n</inject>',
    [/each event as a record/],
    [],
  ],
  [
    'batches and their retries',
    '@type kinesis_streams\nregion us-east-1\nstream_name s\nretries_on_batch_request 8\nreset_backoff_if_success true\nbatch_request_max_count 400\nbatch_request_max_size 4m\ndrop_failed_records_after_batch_request_retries true\nmonitor_num_of_batch_request_retries false\nlog_truncate_max_size 0\ndebug true',
    [/of 400 records and 4m/, /until acknowledged/],
    [
      'retries_on_batch_request',
      'reset_backoff_if_success',
      'drop_failed_records_after_batch_request_retries',
      'monitor_num_of_batch_request_retries',
      'log_truncate_max_size',
      'debug',
    ],
  ],
  ...(
    [
      [
        'assume_role',
        `${role}\nexternal_id e\nduration_seconds 3600`,
        'keys of arn:aws:iam::123456789012:role/x',
      ],
      ['web_identity', `${role}\nweb_identity_token_file /t`, 'keys of arn:aws:iam::123456789012:role/x'],
      ['instance_profile', 'retries 3', 'keys from instance profile'],
      ['shared', 'path /c\nprofile_name p', 'keys from shared'],
      ['process', 'process /bin/keys', 'keys from process'],
    ] as const
  ).map(([name, lines, says]): (typeof kinesisExamples)[number] => [
    `keys: ${name}`,
    `@type kinesis_streams\nregion us-east-1\nstream_name s\n<${name}_credentials>\n${lines}\n</${name}_credentials>`,
    [new RegExp(`signed with +${says}`)],
    [],
  ]),
];

for (const [name, lines, says, idle] of kinesisExamples)
  test(`example of fluent-plugin-kinesis: ${name}`, () => {
    const text = sourceText('pos_file /p').replace(matchText, `<match **>\n${lines}\n</match>`);
    const { notices } = loadText(text);
    const checked = checkConfig('/etc/agent.conf', testEnvironment(text));
    for (const each of says) assert.match(checked, each);
    assert.deepEqual(
      notices.map(({ message }) => message.split(':')[0]).filter((what) => what !== 'pos_file'),
      idle,
    );
  });
