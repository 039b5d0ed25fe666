import type { Telemetry } from '@millrace/core/telemetry/events.ts';

/** Everything the agent reports: one log line and one counter each. */
export const agentEvents = {
  agent_started: { level: 'info', message: 'The agent has started.' },
  agent_stopped: { level: 'info', message: 'The agent has stopped; everything read is acknowledged.' },
  agent_handed_over: {
    level: 'info',
    message:
      'The agent has handed over to a run with a new configuration; blocks in the outbox go on being sent.',
  },
  drain_deadline: {
    level: 'error',
    message:
      'The drain deadline passed with blocks unacknowledged; they stay in the outbox and are sent at the next start.',
  },
  file_found: { level: 'info', message: 'A file is being read.' },
  file_resumed: { level: 'info', message: 'A file is being read on from its stored position.' },
  file_unproven: {
    level: 'warn',
    message:
      'A known file could not be proven to be the same; it is read from its start as a new generation.',
  },
  file_unreadable: { level: 'warn', message: 'A file cannot be read; it is tried again.' },
  watch_refused: {
    level: 'warn',
    message:
      'The system gives no more watches (limits of inotify): other quiet files are looked at every refresh interval.',
  },
  file_truncated: {
    level: 'info',
    message: 'A file was truncated; it is read from its start as a new generation.',
  },
  bytes_destroyed: {
    level: 'error',
    message:
      'Bytes were destroyed before they could be read; the range is the least that is known to be lost.',
    quantity: 'bytes',
  },
  copy_adopted: {
    level: 'info',
    message: 'The copy of a truncated file was recognised; its rest is read on.',
  },
  file_closed: {
    level: 'info',
    message: 'A file that left its pattern or was deleted is read to its end and closed.',
  },
  record_dropped: {
    level: 'warn',
    message: 'A record longer than max_line_size was dropped.',
    quantity: 'bytes',
  },
  message_interleaved: {
    level: 'debug',
    message: "A container's message in parts was ended early by a line of its other stream among them.",
    quantity: 'count',
  },
  compressed_known: {
    level: 'info',
    message: 'A compressed file holds what was read before it was compressed; nothing of it is read again.',
  },
  compressed_unfinished: {
    level: 'info',
    message: 'A compressed file breaks off: it is waited for, as it may still be written.',
  },
  compressed_damaged: {
    level: 'error',
    message: 'A compressed file cannot be decoded to its end; what could be decoded is delivered.',
  },
  record_cut: { level: 'warn', message: 'A record longer than the limit was cut into several.' },
  partial_flushed: { level: 'debug', message: 'An unterminated record was shipped when its timer ended.' },
  outbox_full: {
    level: 'warn',
    message: 'The outbox is full: reading stops until the stream acknowledges blocks.',
  },
  outbox_room: { level: 'info', message: 'The outbox has room again.' },
  slot_torn: {
    level: 'warn',
    message: 'A slot of the outbox does not hold what was written; its intervals are read again.',
  },
  interval_lost: {
    level: 'error',
    message: 'An interval of a torn slot cannot be read again: its file is gone.',
    quantity: 'bytes',
  },
  outbox_unreserved: {
    level: 'warn',
    message: 'The disk has no room for the whole outbox: it can be filled only as far as there is room.',
  },
  state_unwritable: {
    level: 'error',
    message: 'The position store or the outbox cannot be written; shipping goes on from memory.',
  },
  state_writable: { level: 'info', message: 'The position store and the outbox can be written again.' },
  store_restored: {
    level: 'warn',
    message: 'The position store is older than its outbox: positions that prove nothing are not used.',
  },
  machine_cloned: {
    level: 'warn',
    message: 'The state was made on another machine; every file is a new generation.',
  },
  request_failed: {
    level: 'warn',
    message: 'A PutRecords call failed as a whole; its records are sent again.',
  },
  records_retried: {
    level: 'warn',
    message: 'Some records of a PutRecords call were refused; they are sent again.',
    quantity: 'records',
  },
  stream_recovered: { level: 'info', message: 'The stream accepts records again.' },
  spilled: {
    level: 'info',
    message: 'Blocks that the stream did not take in time are in the archive.',
    quantity: 'blocks',
  },
  spill_failed: {
    level: 'warn',
    message: 'Blocks could not be uploaded to the archive; they are tried again.',
  },
  memory_limited: {
    level: 'warn',
    message: 'The process has more memory than memory_limit: nothing is read or taken until it has less.',
  },
  memory_released: {
    level: 'info',
    message: 'The process is under memory_limit again: reading goes on.',
  },
  metrics_unsent: { level: 'warn', message: 'Metrics could not be sent; it is tried again.' },
  config_refused: {
    level: 'error',
    message: 'A new configuration is wrong or cannot be started: the old one goes on.',
  },
  record_too_large: {
    level: 'error',
    message: 'An event is larger than a record of the service may be; it is not delivered.',
  },
  blocks_to_secondary: {
    level: 'error',
    message: 'Blocks that could not be delivered within retry_timeout or retry_max_times go to <secondary>.',
    quantity: 'blocks',
  },
  write_failed: { level: 'warn', message: 'Events could not be written; they are written again.' },
  tag_unrouted: {
    level: 'warn',
    message: 'Events came whose tag no <match> takes; they are not delivered, and counted.',
  },
  listener_failed: {
    level: 'error',
    message: 'A listening socket met an error, such as a connection beyond the limit of open files.',
  },
  connection_refused: { level: 'warn', message: 'A connection was closed before anything was read from it.' },
  connection_failed: {
    level: 'warn',
    message:
      'A connection was closed for what came; what was not acknowledged is for its sender to send again.',
  },
  handshake_failed: { level: 'warn', message: 'A client could not prove what the configuration asks of it.' },
  events_invalid: {
    level: 'warn',
    message: 'Events that are none (no time, no map, cut short) were dropped.',
    quantity: 'events',
  },
  chunk_repeated: { level: 'info', message: 'A chunk came again; it is acknowledged, and not stored twice.' },
  notes_forgotten: {
    level: 'warn',
    message:
      'More was remembered of chunks and requests than there is room for; what would have been forgotten next is forgotten now: a repetition is stored again.',
    quantity: 'notes',
  },
  chunk_large: { level: 'warn', message: 'A chunk is larger than chunk_size_warn_limit.' },
  datagrams_dropped: {
    level: 'error',
    message: 'Datagrams were dropped because the outbox is full, or during a reload.',
    quantity: 'datagrams',
  },
  batch_refused: {
    level: 'error',
    message: 'Messages could not be taken, whenever they came: their filters make no rule.',
  },
  message_cut: {
    level: 'warn',
    message: 'A message longer than message_length_limit was cut into several.',
  },
  throttle_exceeded: {
    level: 'warn',
    message:
      'A group has more records than <filter> @type throttle lets through; what is dropped is counted.',
  },
  throttle_recovered: {
    level: 'info',
    message: 'A throttled group has so few records again that all go through.',
  },
  burst_ended: {
    level: 'info',
    message: 'A burst of records that repeat one another has ended; all but the first were dropped.',
    quantity: 'records',
  },
  requests_refused: {
    level: 'warn',
    message: 'Requests were refused, this one among them; nothing of them was taken.',
    quantity: 'requests',
  },
  request_repeated: {
    level: 'info',
    message: 'A request came again with its Idempotency-Key; it is answered, and not stored twice.',
  },
  log_records_rejected: {
    level: 'warn',
    message: 'OTLP log records that are too deep or too long were rejected; their sender was told.',
    quantity: 'records',
  },
  command_ended: { level: 'warn', message: 'A command ended; it is run again.' },
  command_said: { level: 'info', message: 'A command wrote to its standard error.' },
  input_ended: { level: 'info', message: 'Standard input has ended.' },
  journal_fields_cut: {
    level: 'warn',
    message: 'Fields of a journal entry were cut or left out at the size limits.',
    quantity: 'fields',
  },
  config_notice: { level: 'warn', message: 'A parameter is known but has no effect here.' },
} as const;

export type AgentTelemetry = Telemetry<typeof agentEvents>;
