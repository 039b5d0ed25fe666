import type { Telemetry } from '@millrace/core/telemetry/events.ts';

/** Everything the agent reports: one log line and one counter each. */
export const agentEvents = {
  agent_started: { level: 'info', message: 'The agent has started.' },
  agent_stopped: { level: 'info', message: 'The agent has stopped; everything read is acknowledged.' },
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
  config_notice: { level: 'warn', message: 'A parameter is known but has no effect here.' },
} as const;

export type AgentTelemetry = Telemetry<typeof agentEvents>;
