import type { EventSpec } from '@millrace/core/telemetry/events.ts';

/** Everything that the search API reports: one log line and one counter each. */
export const events = {
  started: { level: 'info', message: 'Listening' },
  stopped: { level: 'info', message: 'Stopped' },
  query_refused: { level: 'debug', message: 'Requests that were refused because of what they ask' },
  forbidden: { level: 'debug', message: 'Requests for what their access does not allow' },
  unauthorized: {
    level: 'info',
    message: 'Requests with a key that is not valid, or with none where one is needed',
  },
  rate_limited: { level: 'warn', message: 'Requests beyond rate_limit' },
  login_failed: { level: 'warn', message: 'Logins that failed' },
  audit: { level: 'info', message: 'Requests that read or changed something' },
  audit_unwritten: { level: 'error', message: 'Lines that audit.file lacks', quantity: 'lines' },
  cancelled: { level: 'debug', message: 'Requests whose client went away before the answer' },
  busy: { level: 'warn', message: 'Requests refused because too many ran at a time' },
  store_unavailable: { level: 'warn', message: 'Requests that failed because the store did not answer' },
  archive_unavailable: { level: 'warn', message: 'Requests that failed because the archive did not answer' },
  archive_gaps_unknown: {
    level: 'warn',
    message: 'Looks at what the search store does not have that failed',
  },
  store_rejected: { level: 'warn', message: 'Requests that the store refused' },
  deadline: { level: 'warn', message: 'Requests that took longer than request_timeout_ms' },
  exported: { level: 'info', message: 'Exports that were sent to their end' },
  export_failed: { level: 'warn', message: 'Exports that broke off, or whose client went away' },
  tail_skipped: {
    level: 'debug',
    message: 'Events that a viewer of the live tail was told it does not get',
    quantity: 'count',
  },
  tail_failed: { level: 'warn', message: 'Viewers of the live tail that were told of an error' },
  alerts_not_evaluated: { level: 'warn', message: 'Looks at the alerts that failed as a whole' },
  alert_not_evaluated: { level: 'warn', message: 'Evaluations of an alert that failed' },
  alert_windows_skipped: {
    level: 'warn',
    message: 'Windows of alerts that were missed and are not made up for',
    quantity: 'windows',
  },
  notice_sent: { level: 'info', message: 'Notices of alerts that were sent' },
  notice_retried: { level: 'warn', message: 'Notices of alerts that failed and are sent again' },
  notice_failed: { level: 'error', message: 'Notices of alerts that were given up' },
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
