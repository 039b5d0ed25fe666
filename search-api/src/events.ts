import type { EventSpec } from '@millrace/core/telemetry/events.ts';

/** Everything that the search API reports: one log line and one counter each. */
export const events = {
  started: { level: 'info', message: 'Listening' },
  stopped: { level: 'info', message: 'Stopped' },
  query_refused: { level: 'debug', message: 'Requests that were refused because of what they ask' },
  cancelled: { level: 'debug', message: 'Requests whose client went away before the answer' },
  busy: { level: 'warn', message: 'Requests refused because too many ran at a time' },
  store_unavailable: { level: 'warn', message: 'Requests that failed because the store did not answer' },
  archive_unavailable: { level: 'warn', message: 'Requests that failed because the archive did not answer' },
  store_rejected: { level: 'warn', message: 'Requests that the store refused' },
  deadline: { level: 'warn', message: 'Requests that took longer than request_timeout_ms' },
  replay_started: { level: 'info', message: 'Replays started, or gone on with' },
  replay_ended: { level: 'info', message: 'Replays that are done or were cancelled' },
  replay_failed: { level: 'error', message: 'Replays that ended with an error' },
  replay_unsaved: {
    level: 'error',
    message: 'Replays whose state was not written: a restart begins them again',
  },
  failed: { level: 'error', message: 'Requests that failed for a reason of our own' },
} as const satisfies Record<string, EventSpec>;

export type Events = typeof events;
