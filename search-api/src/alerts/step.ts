import { type Alert, durationMs } from './alert.ts';
import {
  type AlertState,
  type GroupState,
  type HistoryEntry,
  type Notice,
  noticesMax,
  withEntry,
} from './state.ts';

/** What one window has: events by group; '' when there are no groups. */
export interface Counted {
  counts: ReadonlyMap<string, number>;
  /** There are more groups than were named; none of those has more. Absent: all are named. */
  unnamedMax?: number;
}

/** The ends of the windows that are due, oldest first. They lie on multiples of `every`, whoever evaluates. */
export function dueEnds(
  everyMs: number,
  evaluated: number | undefined,
  presentMs: number,
  catchUpMax: number,
): { ends: number[]; skipped: number } {
  const latest = Math.floor(presentMs / everyMs) * everyMs;
  // A clock that stood far in the future must not stop an alert until that future has come.
  const from = evaluated === undefined || evaluated > latest + 10 * everyMs ? latest - everyMs : evaluated;
  const due = Math.max(0, Math.floor((latest - from) / everyMs));
  const taken = Math.min(due, catchUpMax + 1);
  const ends = Array.from({ length: taken }, (_, i) => latest - (taken - 1 - i) * everyMs);
  return { ends, skipped: due - taken };
}

/** What an alert asks; a state of another question is none of this one's. */
export function questionOf({ search, window, condition, group_by, for: inRow }: Alert): string {
  return JSON.stringify([search, window, condition, group_by ?? null, inRow]);
}

export function newState(alert: Alert, evaluated: number): AlertState {
  return { question: questionOf(alert), evaluated, groups: {}, notices: [], history: [] };
}

/** The state after a window. Pure: the same window and state give the same notices, whoever evaluates. */
export function step(alert: Alert, state: AlertState, endMs: number, counted: Counted): AlertState {
  const { counts } = counted;
  const before =
    state.question === questionOf(alert) ? state : { ...newState(alert, endMs), history: state.history };
  // Names are values out of logs: one may be `__proto__`.
  const groups = Object.create(null) as Record<string, GroupState>;
  const notices: Notice[] = [...before.notices];
  const tell = (kind: Notice['kind'], group: string, { since, count }: GroupState) => {
    for (const channel of alert.notify.keys()) {
      const key = `${alert.id}/${endMs}/${kind}/${channel}/${group}`;
      notices.push({ key, kind, group, end: endMs, since, count, channel, attempts: 0, due: 0 });
    }
  };
  const names = new Set([...counts.keys(), ...Object.keys(before.groups)]);
  let unknown = 0;
  for (const name of names) {
    const count = counts.get(name) ?? 0;
    const known = Object.hasOwn(before.groups, name) ? before.groups[name] : undefined;
    // It may be as before: others had more events. As many as were named are remembered so, not all that ever were.
    if (known?.status === 'firing' && mayMeet(alert, counted, name) && ++unknown <= counts.size) {
      groups[name] = known;
      continue;
    }
    if (!meets(alert.condition, count)) {
      if (known?.status === 'firing' && alert.resolve) tell('resolved', name, { ...known, count });
      continue;
    }
    const group: GroupState = {
      status: known?.status ?? 'pending',
      matches: (known?.matches ?? 0) + 1,
      since: known?.since ?? endMs,
      count,
      ...(known?.told === undefined ? {} : { told: known.told }),
    };
    if (group.matches >= alert.for) group.status = 'firing';
    if (group.status === 'firing' && isToldNow(alert, group, endMs)) {
      tell('firing', name, group);
      group.told = endMs;
    }
    groups[name] = group;
  }
  const history = withChange(before, groups, endMs, total(counts));
  return { ...before, evaluated: endMs, groups, notices: notices.slice(-noticesMax), history };
}

/** Whether a group that was not named may meet the condition nevertheless. */
function mayMeet({ condition }: Alert, { counts, unnamedMax }: Counted, name: string): boolean {
  return unnamedMax !== undefined && !counts.has(name) && meets(condition, unnamedMax);
}

function isToldNow({ repeat }: Alert, { told }: GroupState, endMs: number): boolean {
  if (told === undefined) return true;
  return repeat !== undefined && endMs - told >= durationMs(repeat);
}

function meets(condition: Alert['condition'], count: number): boolean {
  if (condition.type === 'absence') return count === 0;
  const { op, count: bound } = condition;
  if (op === '>') return count > bound;
  if (op === '>=') return count >= bound;
  return op === '<' ? count < bound : count <= bound;
}

/** A line of history when the alert as a whole, or which groups fire, has changed. */
function withChange(
  before: AlertState,
  groups: Record<string, GroupState>,
  endMs: number,
  count: number,
): HistoryEntry[] {
  const [was, is] = [overview(before.groups), overview(groups)];
  const last = before.history[0];
  if (was.text === is.text && last !== undefined && last.status !== 'error') return before.history;
  const names = is.firing.filter((name) => name !== '').slice(0, 100);
  return withEntry(before.history, {
    to: new Date(endMs).toISOString(),
    status: is.status,
    count,
    ...(names.length === 0 ? {} : { groups: names }),
  });
}

function overview(groups: Record<string, GroupState>) {
  const entries = Object.entries(groups);
  const firing = entries.filter(([, { status }]) => status === 'firing').map(([name]) => name);
  const status = firing.length > 0 ? 'firing' : entries.length > 0 ? 'pending' : 'ok';
  return { status, firing, text: JSON.stringify([status, firing.sort()]) } as const;
}

function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
