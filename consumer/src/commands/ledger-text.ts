import type {
  AgentLedger,
  FileLedger,
  Gap,
  GapCause,
  LedgerReport,
} from '@millrace/archive/ledger/report.ts';
import { archivedSoon } from './archive-source.ts';

const causes: Record<GapCause, string> = {
  destroyed_unread: 'destroyed before they were read',
  object_missing: 'an archive object is missing',
  not_archived: 'read, but in no archive object',
  agent_silent: 'last seen by an agent that is silent',
  not_indexed: 'archived, but their object has no mark',
  documents_gone: 'indexed, but the index does not have them any more',
};

/** The whole ledger for people. */
export function ledgerText(report: LedgerReport): string {
  const { files, gaps, in_flight: flying, agents, set_aside: aside, incomplete } = report;
  const parts = [files.length === 0 ? `no files; ${archivedSoon}\n` : fileTable(files)];
  const silent = agents.filter(({ state }) => state === 'silent');
  parts.push(agentsText(agents));
  if (aside.length > 0) {
    parts.push(`\nset aside (millrace set-aside shows them):\n`);
    for (const item of aside) {
      const bytes = item.bytes === undefined ? '' : `, ${item.bytes} bytes`;
      parts.push(`  ${item.host} ${clean(item.file)} at ${item.offset}${bytes}: ${clean(item.reason)}\n`);
    }
  }
  if (flying.length > 0) {
    const bytes = flying.reduce((sum, gap) => sum + gap.bytes, 0);
    parts.push(`\n${bytes} bytes are on their way, for less than ${span(report.older_than_ms)}\n`);
  }
  if (gaps.length > 0)
    parts.push(`\n${gaps.length} gaps:\n`, gaps.map((gap) => `  ${gapText(gap)}\n`).join(''));
  for (const what of incomplete) parts.push(`${unseenText(what)}\n`);
  if (gaps.length === 0 && silent.length === 0 && incomplete.length === 0) {
    const since = new Date(report.from_ms).toISOString();
    parts.push(`\nno gaps since ${since} in ${report.objects} objects\n`);
  }
  return parts.join('');
}

/** Something of `incomplete` in one line. */
export function unseenText(what: string): string {
  return `not looked at: ${clean(what)}`;
}

/** One gap in one line. */
export function gapText(gap: Gap): string {
  const where =
    gap.file === undefined
      ? `stream ${gap.stream}`
      : `${gap.host} ${clean(gap.file)} bytes ${gap.from} to ${gap.to} (${gap.bytes})`;
  const notes = [
    gap.events === undefined ? undefined : `${gap.events} events`,
    gap.index,
    windowOf(gap),
    gap.searchable === undefined ? undefined : `${gap.searchable} of them still in search`,
    gap.objects === undefined ? undefined : `object ${gap.objects.join(' or ')}`,
  ].filter((note) => note !== undefined);
  return `${where}: ${causes[gap.cause]}${notes.length === 0 ? '' : `; ${notes.join('; ')}`}`;
}

export function agentText(agent: AgentLedger): string {
  const seen = agent.last_seen_ms === 0 ? 'never' : new Date(agent.last_seen_ms).toISOString();
  return `agent ${agent.agent.slice(0, 8)} on ${clean(agent.host)}: ${agent.state}, last seen ${seen}`;
}

function agentsText(agents: readonly AgentLedger[]): string {
  const speaking = agents.filter(({ state }) => state === 'alive').length;
  const others = agents.filter(({ state }) => state === 'silent' || state === 'stopped');
  const lines = others.map((agent) => `${agentText(agent)}\n`).join('');
  return agents.length === 0 ? '' : `\n${speaking} agents alive\n${lines}`;
}

function fileTable(files: readonly FileLedger[]): string {
  const head = ['HOST', 'FILE', 'WRITTEN', 'SHIPPED', 'ARCHIVED', 'INDEXED', 'REMOVED', 'ASIDE', 'RECORDS'];
  const rows = files.map((file) => {
    const { bytes, records, coverage } = file;
    return [
      clean(file.host),
      `${clean(file.file)}${file.ended ? ` (${file.ended})` : ''}`,
      String(bytes.written),
      share(bytes.shipped, coverage.shipped),
      share(bytes.archived, coverage.archived),
      share(bytes.indexed, coverage.indexed),
      String(bytes.removed),
      String(records?.set_aside ?? 0),
      records === undefined ? '-' : `${records.exact ? '' : '>='}${records.indexed}/${records.archived}`,
    ];
  });
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    all.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  // Names to the left, figures to the right.
  const line = (row: string[]) =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return `${all.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

function share(bytes: number, percent: number): string {
  return `${bytes} ${percent}%`;
}

function windowOf({ firstMs, lastMs }: Gap): string | undefined {
  const text = (ms: number) => new Date(ms).toISOString();
  if (firstMs !== undefined && lastMs !== undefined) return `between ${text(firstMs)} and ${text(lastMs)}`;
  if (lastMs !== undefined) return `before ${text(lastMs)}`;
  return firstMs === undefined ? undefined : `after ${text(firstMs)}`;
}

/** 90 s, 10 min, 3 h */
function span(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

/** A path is data: control characters in it must not steer the terminal that shows it. */
function clean(text: string): string {
  const hex = (char: string) => char.charCodeAt(0).toString(16).padStart(2, '0');
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\x${hex(char)}`);
}
