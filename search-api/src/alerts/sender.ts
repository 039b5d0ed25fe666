import { createHash } from 'node:crypto';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Notify } from './alert.ts';
import { assertAllowed } from './allow.ts';
import type { AlertsConfig } from './config.ts';
import { slackMessage } from './slack.ts';
import type { NoticeText } from './text.ts';

/** How a try went. `retry`: it may go better later. */
export type Sent = { kind: 'sent' } | { kind: 'retry' | 'failed'; reason: string };

/** Sends one notice over one channel; never throws. */
export type Sender = (notify: Notify, notice: NoticeText) => Promise<Sent>;

/** Headers that are the connection's, or would say that somebody else asks. */
const ownHeaders =
  /^(?:host|content-length|transfer-encoding|connection|upgrade|te|trailer|expect|keep-alive)$/i;

export function createSender(config: AlertsConfig, clock: Clock): Sender {
  return async (notify, notice) => {
    const timeout = new AbortController();
    const sent = new AbortController();
    void clock.sleep(config.notice_timeout_ms, sent.signal).then(() => {
      if (!sent.signal.aborted) timeout.abort(new Error(`no answer within ${config.notice_timeout_ms} ms`));
    });
    try {
      // Again at each try: what the configuration no longer allows is not sent.
      assertAllowed(notify, config);
      return notify.type === 'sns'
        ? await publish(notify, notice, timeout.signal)
        : await post(notify, notice, timeout.signal);
    } catch (error) {
      return { kind: isRefusal(error) ? 'failed' : 'retry', reason: reasonOf(error) };
    } finally {
      sent.abort();
    }
  };
}

async function post(
  notify: Exclude<Notify, { type: 'sns' }>,
  notice: NoticeText,
  signal: AbortSignal,
): Promise<Sent> {
  const given = notify.type === 'webhook' ? Object.entries(notify.headers ?? {}) : [];
  const response = await fetch(notify.url, {
    method: 'POST',
    headers: {
      'user-agent': 'millrace',
      ...Object.fromEntries(given.filter(([name]) => !ownHeaders.test(name))),
      'content-type': 'application/json',
      'idempotency-key': headerKey(notice.key),
    },
    body: JSON.stringify(notify.type === 'slack' ? slackMessage(notice) : notice),
    // A redirect would lead past the list of allowed hosts.
    redirect: 'manual',
    signal,
  });
  await response.body?.cancel();
  if (response.ok) return { kind: 'sent' };
  const later = response.status >= 500 || response.status === 429 || response.status === 408;
  return { kind: later ? 'retry' : 'failed', reason: `it answered ${response.status}` };
}

/** Keys have the group's value in them, which may be long: cut, two of them would be one. */
function headerKey(key: string): string {
  const text = Buffer.from(key).toString('base64url');
  return text.length <= 200 ? text : createHash('sha256').update(key).digest('base64url');
}

async function publish(
  { topic_arn, region, endpoint }: Extract<Notify, { type: 'sns' }>,
  notice: NoticeText,
  signal: AbortSignal,
): Promise<Sent> {
  const client = new SNSClient({ region, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) });
  try {
    await client.send(
      new PublishCommand({
        TopicArn: topic_arn,
        // Subjects are ASCII of up to 99 characters.
        Subject: notice.summary.replaceAll(/[^\x20-\x7e]+/g, '?').slice(0, 99),
        Message: JSON.stringify(notice, undefined, 2),
        MessageAttributes: {
          kind: { DataType: 'String', StringValue: notice.kind },
          alert: { DataType: 'String', StringValue: notice.alert.id },
        },
      }),
      { abortSignal: signal },
    );
    return { kind: 'sent' };
  } finally {
    client.destroy();
  }
}

/** What no later try makes good. */
function isRefusal(error: unknown): boolean {
  const { code, $fault, $retryable } = (error ?? {}) as {
    code?: unknown;
    $fault?: unknown;
    $retryable?: unknown;
  };
  return code === 'QUERY_INVALID' || ($fault === 'client' && $retryable === undefined);
}

/** Without the address: it may be the secret. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause)
    .replaceAll(/https?:\/\/\S+/g, '(address)')
    .slice(0, 300);
}
