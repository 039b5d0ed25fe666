import { objectBytesMax } from '@millrace/core/store/objects.ts';
import { type Static, Type } from 'typebox';

const GroupSchema = Type.Object({
  status: Type.Union([Type.Literal('pending'), Type.Literal('firing')]),
  /** Evaluations in a row that met the condition. */
  matches: Type.Integer(),
  /** End of the first window that met it, milliseconds since 1970. */
  since: Type.Number(),
  /** End of the window that was last told of. */
  told: Type.Optional(Type.Number()),
  count: Type.Integer(),
});
export type GroupState = Static<typeof GroupSchema>;

const EntrySchema = Type.Object({
  /** End of the window. */
  to: Type.String(),
  status: Type.Union([
    Type.Literal('ok'),
    Type.Literal('pending'),
    Type.Literal('firing'),
    Type.Literal('error'),
    Type.Literal('notice_failed'),
  ]),
  count: Type.Integer(),
  /** Groups that fire. */
  groups: Type.Optional(Type.Array(Type.String())),
  message: Type.Optional(Type.String()),
});

const NoticeSchema = Type.Object({
  /** Names it: alert, window, group, kind and channel. A receiver may know one that comes twice by it. */
  key: Type.String(),
  kind: Type.Union([Type.Literal('firing'), Type.Literal('resolved')]),
  group: Type.String(),
  /** End of the window it is about. */
  end: Type.Number(),
  since: Type.Number(),
  count: Type.Integer(),
  /** Position in the alert's `notify`. */
  channel: Type.Integer(),
  attempts: Type.Integer(),
  /** Not tried before. */
  due: Type.Number(),
  /** Who tries it, until when. */
  claimed: Type.Optional(Type.Object({ by: Type.String(), until: Type.Number() })),
});
export type Notice = Static<typeof NoticeSchema>;

// A record's pattern leaves out names with line breaks, which values may have.
const Groups = Type.Unsafe<Record<string, GroupState>>(
  Type.Object({}, { additionalProperties: GroupSchema }),
);

/** What is known of an alert from one evaluation to the next; all of it lies in the store. */
export const AlertStateSchema = Type.Object({
  /** What the state belongs to: another question begins anew. */
  question: Type.String(),
  /** End of the last window that was looked at, milliseconds since 1970. */
  evaluated: Type.Number(),
  /** By value of `group_by`; '' without. What is not there is all right. */
  groups: Groups,
  /** What is still to be told. */
  notices: Type.Array(NoticeSchema),
  /** Newest first; only changes, and what went wrong. */
  history: Type.Array(EntrySchema),
});
export type AlertState = Static<typeof AlertStateSchema>;
export type HistoryEntry = Static<typeof EntrySchema>;

export const historyMax = 50;
/** Notices that wait; beyond them the oldest are given up. */
export const noticesMax = 1_000;

export function withEntry(history: readonly HistoryEntry[], entry: HistoryEntry): HistoryEntry[] {
  return [entry, ...history].slice(0, historyMax);
}

/** Room for what is noted of notices after the state was cut to it. */
const bytesMax = objectBytesMax - 32 * 1024;

/**
 * A state that the store takes: of groups with long names there is less history and, where that does not do, the
 * oldest notices and then groups are given up. A state that cannot be written would end the alert.
 */
export function fitted(state: AlertState): AlertState {
  if (fits(state)) return state;
  let cut = { ...state, history: state.history.map(({ groups: _groups, ...entry }) => entry) };
  while (!fits(cut) && cut.notices.length > 0)
    cut = { ...cut, notices: cut.notices.slice(Math.ceil(cut.notices.length / 2)) };
  while (!fits(cut) && Object.keys(cut.groups).length > 0) {
    const entries = Object.entries(cut.groups);
    cut = { ...cut, groups: Object.fromEntries(entries.slice(Math.ceil(entries.length / 2))) };
  }
  return cut;
}

function fits(state: AlertState): boolean {
  return Buffer.byteLength(JSON.stringify(state)) <= bytesMax;
}
