import { useSignal } from '@preact/signals';
import { ApiError, sendJson } from '../api/client.ts';
import type { Alert, AlertContent, AlertStanding } from '../api/types.ts';
import { say } from '../shell/actions.ts';
import { go } from '../state/view.ts';
import { countText, fullTime } from '../time/format.ts';
import { manner, t } from '../words/words.ts';
import { AlertForm } from './alert-form.tsx';
import { Answered, useAnswer } from './answer.tsx';
import { type Change, DeleteButton, Problem, useKept } from './kept.tsx';

const path = 'api/v1/alerts';

/** Alerts and how they stand; a new one is about the query that is asked. */
export function AlertsPane() {
  const { answer, problem, change } = useKept<{ alerts: Alert[] }>(path);
  return (
    <div class="pane">
      <AlertForm
        save={(content) =>
          void change(sendJson('POST', path, content), t('alerts.saved', { name: content.name }))
        }
      />
      <Problem text={problem} />
      <Answered answer={answer}>
        {({ alerts }) =>
          alerts.length === 0 ? (
            <p class="empty">{t('alerts.none')}</p>
          ) : (
            <ul class="alerts">
              {alerts.map((alert) => (
                <AlertItem key={`${alert.id} ${alert.version}`} alert={alert} change={change} />
              ))}
            </ul>
          )
        }
      </Answered>
    </div>
  );
}

interface ItemProps {
  alert: Alert;
  change: Change;
}

function AlertItem({ alert, change }: ItemProps) {
  const { id, name, enabled } = alert;
  const turn = useSignal(0);
  const standing = useAnswer<AlertStanding>(`${path}/${id}`, {}, turn.value).value.value;
  const groups = Object.values(standing?.state?.groups ?? {});
  const firing = groups.some(({ status }) => status === 'firing');
  const last = standing?.state?.history[0];
  const status = !enabled ? 'off' : firing ? 'firing' : standing?.state == null ? 'new' : 'ok';
  return (
    <li>
      <span class={`badge ${{ off: 'none', firing: 'bad', new: 'none', ok: 'good' }[status]}`}>
        {t(`alerts.is.${status}`)}
      </span>
      <div class="alert-text">
        <b>{name}</b>
        <span class="muted">{conditionText(alert)}</span>
        {'q' in alert.search && <code>{alert.search.q === '' ? '*' : alert.search.q}</code>}
        {last !== undefined && (
          <span class="muted">
            {fullTime(last.to, manner.value)}: {last.status}, {countText(last.count, manner.value)}{' '}
            {last.message}
          </span>
        )}
      </div>
      <div class="saved-tools">
        {'q' in alert.search && (
          <button type="button" onClick={() => showEvents(alert)}>
            {t('alerts.events')}
          </button>
        )}
        <button type="button" onClick={() => void test(id)}>
          {t('alerts.test')}
        </button>
        <button
          type="button"
          aria-pressed={enabled}
          aria-label={t(enabled ? 'alerts.disableOf' : 'alerts.enableOf', { name })}
          onClick={() =>
            void change(
              sendJson('PUT', `${path}/${id}`, { ...contentOf(alert), enabled: !enabled }),
              t(enabled ? 'alerts.disabled' : 'alerts.enabled', { name }),
            )
          }
        >
          {t(enabled ? 'alerts.disable' : 'alerts.enable')}
        </button>
        <DeleteButton path={`${path}/${id}`} name={name} change={change} />
      </div>
    </li>
  );
}

function conditionText({ condition, window }: Alert): string {
  if (condition.type === 'absence') return `${t('alerts.absence')} ${t('alerts.in', { window })}`;
  return `${t('alerts.threshold')} ${condition.op} ${condition.count} ${t('alerts.in', { window })}`;
}

function showEvents({ search, window }: Alert): void {
  if ('q' in search)
    go({ q: search.q, stream: search.stream ?? '', from: `now-${window}`, to: '*', tab: 'events' });
}

/** Sends a notice that says that it is a test, and says whether it arrived. */
async function test(id: string): Promise<void> {
  try {
    const { results } = await sendJson<{ results: { type: string; sent: boolean; reason?: string }[] }>(
      'POST',
      `${path}/${id}/test`,
    );
    say(results.map(({ type, sent, reason }) => `${type}: ${sent ? t('alerts.sent') : reason}`).join(' · '));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    say(error.message);
  }
}

/** Without what the server keeps about it. */
function contentOf({
  id: _id,
  owner: _owner,
  access: _access,
  updated: _updated,
  version: _version,
  ...content
}: Alert): AlertContent {
  return content;
}
