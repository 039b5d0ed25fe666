import type { AgentWords } from './book.ts';
import type { AgentLedger } from './report.ts';

/** Heartbeats that may be missing before an agent counts as silent. */
const missedMax = 3;

/**
 * No heartbeat for longer than delivery may take and three of its intervals, without having said that it stops. One
 * whose host has another agent that speaks was replaced: a new state folder is a new agent.
 */
export function isSilent(
  words: AgentWords,
  all: readonly AgentWords[],
  nowMs: number,
  olderThanMs: number,
): boolean {
  return stateOf(words, all, nowMs, olderThanMs) === 'silent';
}

export function agentStates(all: readonly AgentWords[], nowMs: number, olderThanMs: number): AgentLedger[] {
  const newest = newestByHost(all);
  return all
    .map((words) => ({
      host: words.host,
      agent: words.agent,
      state: stateOf(words, newest.get(words.host) ?? [], nowMs, olderThanMs),
      last_seen_ms: Math.max(words.heartbeatMs, words.stoppedMs),
      interval_ms: words.intervalMs,
    }))
    .sort((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : a.last_seen_ms - b.last_seen_ms));
}

function newestByHost(all: readonly AgentWords[]): Map<string, AgentWords[]> {
  const hosts = new Map<string, AgentWords[]>();
  for (const words of all) {
    const known = hosts.get(words.host);
    if (known === undefined) hosts.set(words.host, [words]);
    else known.push(words);
  }
  return hosts;
}

function stateOf(
  words: AgentWords,
  others: readonly AgentWords[],
  nowMs: number,
  olderThanMs: number,
): AgentLedger['state'] {
  if (words.stoppedMs >= words.heartbeatMs && words.stoppedMs > 0) return 'stopped';
  const patienceMs = Math.max(olderThanMs, missedMax * words.intervalMs);
  if (words.heartbeatMs === 0 || nowMs - words.heartbeatMs < patienceMs) return 'alive';
  const replaced = others.some(
    (other) =>
      other.host === words.host && other.agent !== words.agent && other.heartbeatMs > words.heartbeatMs,
  );
  return replaced ? 'replaced' : 'silent';
}
