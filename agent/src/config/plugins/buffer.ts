import { integer, time } from '../values.ts';
import { optional, type Table, withDefault } from './plugin.ts';

const neverDropped = 'nothing is ever given up: it is sent again until it is acknowledged';
const blocks = 'a block is at most 1 MiB, of all tags of a stream';
const outbox =
  'unacknowledged blocks wait in the outbox (outbox_size, in state_dir), all else in its own file';
const noSlices = 'events are indexed and archived by their own time';

/** `<buffer>` of an output. v0.12's flat names are translated to these before. */
export const bufferTable = {
  title: '<buffer>',
  doc:
    'Read for what it says about waiting and repeating. Its chunks, queues and files have no equal here: blocks ' +
    'wait in the outbox, and what is not read yet waits in its own file.',
  params: {
    flush_interval: optional(
      time(0, 86_400_000),
      '`linger` holds',
      'How long records are gathered, 1 s at most; `linger` goes before it.',
    ),
    flush_thread_count: withDefault(
      integer(1, 64),
      3,
      'Requests in flight at the same time (fluentd: 1, which waits for each answer).',
    ),
    retry_wait: withDefault(
      time(10, 60_000),
      300,
      'First wait before a failed record is sent again; doubles, and is random by half.',
    ),
    retry_timeout: optional(
      time(1_000, 30 * 86_400_000),
      'without end',
      'With `<secondary>`: a block goes there when nothing could be delivered for this long.',
    ),
    retry_max_times: optional(
      integer(1, 1_000_000),
      'without end',
      'With `<secondary>`: blocks go there when so many tries in a row have failed.',
    ),
    retry_max_interval: optional(time(100, 3_600_000), '`30s`', 'Longest wait; at least retry_wait.'),
  },
  notApplicable: {
    '@type': outbox,
    path: outbox,
    path_suffix: outbox,
    symlink_path: outbox,
    chunk_limit_size: blocks,
    chunk_limit_records: blocks,
    chunk_full_threshold: blocks,
    total_limit_size: outbox,
    queue_limit_length: outbox,
    queued_chunks_limit_size: outbox,
    compress: 'blocks are compressed with zstd, always',
    decompression_size_limit: 'nothing compressed is read back',
    file_permission: 'files in state_dir are for the agent alone',
    dir_permission: 'files in state_dir are for the agent alone',
    overflow_action: 'when the outbox is full, reading stops until there is room, and nothing is dropped',
    flush_mode: 'a record is sent at once when the output is idle, else after `linger`',
    flush_at_shutdown: 'a stopping agent ships what it has read, up to drain_timeout',
    flush_thread_interval: 'there are no flush threads that sleep',
    flush_thread_burst_interval: 'there are no flush threads that sleep',
    delayed_commit_timeout: 'an answer counts when it comes',
    retry_forever: neverDropped,
    retry_secondary_threshold: neverDropped,
    retry_type: 'waits double up to retry_max_interval, always',
    retry_exponential_backoff_base: 'waits double, always',
    retry_randomize: 'waits are random by half, always',
    disable_chunk_backup: neverDropped,
    timekey: noSlices,
    timekey_wait: noSlices,
    timekey_use_utc: noSlices,
    timekey_zone: noSlices,
  },
} satisfies Table;
