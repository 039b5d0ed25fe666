import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import { indexerEvents } from './index/events.ts';
import { setAsideEvents } from './set-aside/storm.ts';

const uploadEvents = {
  upload_retried: {
    level: 'warn',
    message: 'A request to S3 failed and is tried again; checkpoints wait for it.',
  },
  upload_orphaned: {
    level: 'warn',
    message: 'An unfinished upload could not be removed; it is removed when it is a day old.',
  },
} as const;

/** Everything a shard's process reports: one log line and one counter each. */
export const shardEvents = {
  ...indexerEvents,
  shard_started: { level: 'info', message: 'A shard is being processed.' },
  shard_ended: { level: 'info', message: 'A shard has ended and everything of it is archived.' },
  note_unkept: {
    level: 'error',
    message:
      'The disk of state_dir is full: a record that ends its process would not be set aside but tried for ever.',
  },
  shard_released: { level: 'info', message: 'A shard is handed over or the worker stops.' },
  lease_lost: {
    level: 'warn',
    message: 'The lease of a shard is lost; open objects are dropped, another worker writes them.',
  },
  shard_failed: {
    level: 'error',
    message: 'A shard cannot be processed any further; its worker starts again from the checkpoint.',
  },
  checkpoint_refused: {
    level: 'warn',
    message: 'KCL refused a checkpoint; it is sent again with the next call.',
  },
  object_completed: { level: 'info', message: 'An archive object is complete.' },
  ...uploadEvents,
  upload_lost: { level: 'error', message: 'S3 lost an unfinished upload; its records are read again.' },
  foreign_dropped: {
    level: 'info',
    message: 'A foreign record held nothing to index: it was empty, or a question of CloudWatch Logs.',
  },
  block_repeated: { level: 'info', message: 'A block came twice; the object holds it once.' },
  ...setAsideEvents,
  set_aside_stored: { level: 'info', message: 'Records that could not be used are stored in the bucket.' },
  render_failed: { level: 'error', message: 'A block is archived but could not be made into documents.' },
  index_given_up: {
    level: 'warn',
    message: 'The store took nothing for too long; archiving goes on, the filler indexes later.',
  },
  index_resumed: { level: 'info', message: 'The store takes documents again.' },
  mark_written: { level: 'info', message: 'An archive object is completely indexed and has its mark.' },
  mark_left: { level: 'warn', message: 'The mark of an object could not be written; the filler will.' },
} as const;

export type ShardTelemetry = Telemetry<typeof shardEvents>;

/** Everything the consumer's main process reports. */
export const consumerEvents = {
  ...indexerEvents,
  ...setAsideEvents,
  consumer_started: { level: 'info', message: 'The consumer has started.' },
  consumer_stopped: { level: 'info', message: 'The consumer has stopped.' },
  daemon_started: { level: 'info', message: 'The MultiLangDaemon has started.' },
  daemon_exited: {
    level: 'error',
    message: 'The MultiLangDaemon stopped unexpectedly and is started again.',
  },
  shard_crashed: {
    level: 'error',
    message: "A shard's process is gone; the MultiLangDaemon is started again.",
  },
  block_hung: {
    level: 'error',
    message:
      "A shard's process did not come back from a block and was killed; at the second time the block is set aside.",
  },
  filler_hung: {
    level: 'error',
    message:
      'This process did not come back from a block of the archive and ends itself; at the second time the block is set aside.',
  },
  shard_hung: { level: 'error', message: "A shard's process said nothing for a minute and was killed." },
  shards_stale: {
    level: 'warn',
    message: "Shards' processes of an earlier run hung and were killed.",
  },
  daemon_killed: { level: 'warn', message: 'The MultiLangDaemon did not stop in time and was killed.' },
  orphan_stopped: {
    level: 'warn',
    message: 'A MultiLangDaemon of an earlier run was still there and was stopped.',
  },
  leases_seeded: {
    level: 'info',
    message: 'The leases of a new stream were written, which saves the wait of a first start.',
  },
  leases_not_seeded: {
    level: 'warn',
    message: 'The leases could not be prepared; the KCL makes them, which takes longer.',
  },
  shards_unread: {
    level: 'error',
    message:
      'Nobody reads these shards: start more workers, or raise leases.shards_max; their records wait in the stream.',
  },
  shards_read: { level: 'info', message: 'All shards are being read again.' },
  leases_unseen: {
    level: 'warn',
    message: 'The lease table cannot be read, so nobody would tell of shards that nobody reads.',
  },
  store_waiting: { level: 'warn', message: 'The store does not answer; it is asked again.' },
  store_ready: { level: 'info', message: 'The store is there and its templates are installed.' },
  ...uploadEvents,
  upload_removed: { level: 'info', message: 'An upload that nobody finished was removed.' },
  archive_keep_failed: {
    level: 'warn',
    message: 'The archive could not be looked after; the next turn will.',
  },
  ndjson_written: { level: 'info', message: 'An NDJSON object was made of an archive object.' },
  ndjson_failed: { level: 'error', message: 'No NDJSON object can be made of an archive object.' },
  archive_waiting: { level: 'warn', message: 'S3 does not answer; it is asked again.' },
  filler_pass: { level: 'debug', message: 'The filler has looked for objects without a mark.' },
  filler_failed: { level: 'warn', message: 'The filler could not finish its pass; the next one goes on.' },
  retention_done: {
    level: 'info',
    message: 'Indices of days that are over were deleted.',
    quantity: 'deleted',
  },
  retention_refused: {
    level: 'error',
    message: 'The index of a day that is over stays: the archive does not answer for all that it holds.',
  },
  retention_failed: { level: 'warn', message: 'Retention could not look at the indices; it is tried again.' },
  object_filled: { level: 'info', message: 'The filler has indexed an archive object and written its mark.' },
  object_corrupt: { level: 'error', message: 'An archive object, or a block in it, does not decode.' },
  object_unfilled: { level: 'warn', message: 'An archive object cannot be indexed completely yet.' },
} as const;

export type ConsumerTelemetry = Telemetry<typeof consumerEvents>;
