import { type Alert, durationMs } from './alert.ts';
import { type Question, windowOf } from './question.ts';
import type { Notice } from './state.ts';

/** What a notice says; the body of a webhook. */
export interface NoticeText {
  version: 1;
  /** The same for each try of one notice. */
  key: string;
  kind: 'firing' | 'resolved' | 'test';
  alert: { id: string; name: string };
  /** One line that says it all. */
  summary: string;
  condition: Alert['condition'];
  count: number;
  group?: { field: string; value: string };
  window: { from: string; to: string };
  /** End of the first window that met the condition. */
  since: string;
  query: string;
  stream?: string;
  /** The page with the search and the window; absent without `http.public_url`. */
  link?: string;
}

/** Where the page is, as far as anybody has said. */
export interface PageAddress {
  host: string;
  public_url?: string;
  base_path?: string;
}

export function noticeText(
  alert: Alert,
  question: Question,
  notice: Pick<Notice, 'key' | 'group' | 'end' | 'since' | 'count'> & { kind: NoticeText['kind'] },
  page: PageAddress,
): NoticeText {
  const window = windowOf(alert, notice.end);
  const group = alert.group_by === undefined ? undefined : { field: alert.group_by, value: notice.group };
  const link = pageLink(page, alert, question, notice, window);
  return {
    version: 1,
    key: notice.key,
    kind: notice.kind,
    alert: { id: alert.id, name: alert.name },
    summary: summaryOf(alert, notice, group),
    condition: alert.condition,
    count: notice.count,
    ...(group === undefined ? {} : { group }),
    window,
    since: new Date(notice.since).toISOString(),
    query: question.q,
    ...(question.stream === undefined ? {} : { stream: question.stream }),
    ...(link === undefined ? {} : { link }),
  };
}

const verbs = { firing: 'is firing', resolved: 'is over', test: 'is being tested' };

function summaryOf(
  { name, window, condition }: Alert,
  { kind, count }: { kind: NoticeText['kind']; count: number },
  group: NoticeText['group'],
): string {
  const where = group === undefined ? '' : ` for ${group.field} ${group.value}`;
  const events = `${count} event${count === 1 ? '' : 's'} in ${window}`;
  const wanted = condition.type === 'absence' ? 'absence' : `${condition.op} ${condition.count}`;
  return `${name} ${verbs[kind]}${where}: ${events} (${wanted})`;
}

/** A link that shows what the evaluation saw, whenever it is opened; resolved: what fired, from its beginning. */
function pageLink(
  { public_url, base_path = '' }: PageAddress,
  alert: Alert,
  { q, stream }: Question,
  { group, since, kind }: { group: string; since: number; kind: NoticeText['kind'] },
  window: { from: string; to: string },
): string | undefined {
  if (public_url === undefined) return undefined;
  const narrowed =
    alert.group_by === undefined
      ? q
      : [...(q.trim() === '' ? [] : [`(${q})`]), term(alert.group_by, group)].join(' ');
  const from = kind === 'resolved' ? new Date(since - durationMs(alert.window)).toISOString() : window.from;
  const parameters = new URLSearchParams({ q: narrowed, from, to: window.to });
  if (stream !== undefined) parameters.set('stream', stream);
  return `${public_url}${base_path}/?${parameters}`;
}

function term(field: string, value: string): string {
  return `${field}:"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}
