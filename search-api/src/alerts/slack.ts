import type { NoticeText } from './text.ts';

/** A section has 3,000 characters at most; escaping makes five of one. */
const textMax = 500;
const sectionMax = 3_000;
const marks = { firing: ':rotating_light:', resolved: ':white_check_mark:', test: ':wrench:' };

/** A message for a Slack incoming webhook: `text` for notifications, blocks for the channel. */
export function slackMessage({ kind, summary, query, window, link }: NoticeText): object {
  const said = escaped(cut(summary));
  const open = link === undefined ? '' : `<${link.replaceAll('&', '&amp;')}|Open the search>`;
  return {
    text: said,
    blocks: [
      section(`${marks[kind]} *${said}*`),
      ...(query.trim() === '' ? [] : [section(`\`${escaped(cut(query)).replaceAll('`', "'")}\``)]),
      ...(open === '' || open.length > sectionMax ? [] : [section(open)]),
      {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: `${window.from} to ${window.to}` }],
      },
    ],
  };
}

function cut(text: string): string {
  return text.length > textMax ? `${text.slice(0, textMax)}…` : text;
}

function section(text: string): object {
  return { type: 'section', text: { type: 'mrkdwn', text } };
}

/** As Slack asks for: these three, and a line, for a query must not become a mention or a heading. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/\s+/g, ' ');
}
