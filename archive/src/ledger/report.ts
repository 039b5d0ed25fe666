/** Why bytes are not where they should be, as far as it can be told. */
export type GapCause =
  /** The file was truncated or deleted before they were read. */
  | 'destroyed_unread'
  /** An archive object that has a mark is gone, or its footer cannot be read. */
  | 'object_missing'
  /** They were read, and are in no archive object: lost with an object that never had a mark, or set aside undecoded. */
  | 'not_archived'
  /** The agent had seen them (read or not) when it fell silent. */
  | 'agent_silent'
  /** Archived, but their object has no mark. */
  | 'not_indexed'
  /** Their object has its mark, but the index does not hold the documents. */
  | 'documents_gone';

/** A gap, or what may still become one: it is younger than the time that delivery may take. */
export interface Gap {
  cause: GapCause;
  stream: string;
  /** Absent where only the object is known. */
  host?: string;
  file?: string;
  tag?: string;
  generation?: string;
  /** Bytes of the file, `to` excluded. */
  from?: number;
  to?: number;
  bytes: number;
  /** Events, where they are counted. */
  events?: number;
  /** When the bytes were written or read, milliseconds since 1970; ends that are not known are absent. */
  firstMs?: number;
  lastMs?: number;
  /** Since when it is missing. */
  sinceMs: number;
  /** Archive objects that are concerned. */
  objects?: string[];
  /** Index that the documents belong to. */
  index?: string;
  /** Events of these bytes that the store holds all the same. */
  searchable?: number;
}

export interface FileLedger {
  stream: string;
  host: string;
  file: string;
  tag: string;
  generation: string;
  /** First byte that counts: where reading began, or where the time that was asked for begins. */
  from: number;
  /** One beyond the last byte that was seen. */
  to: number;
  ended?: 'closed' | 'deleted';
  bytes: {
    /** As far as agents saw it. */
    written: number;
    /** Read, and given to the stream. */
    shipped: number;
    archived: number;
    /** In objects whose events the store has answered for, less what it does not hold. Removed bytes count. */
    indexed: number;
    removed: number;
    rewritten: number;
    set_aside: number;
    destroyed: number;
    /** Not read yet. */
    unread: number;
    /** Missing somewhere, but younger than delivery may take. */
    in_flight: number;
    missing: number;
  };
  /** Absent where objects did not say. `exact` is false where objects overlap in part. */
  records?: { archived: number; indexed: number; set_aside: number; exact: boolean };
  removed_by?: Record<string, number>;
  /** Percent of what was written, rounded down to hundredths. */
  coverage: { shipped: number; archived: number; indexed: number };
}

export interface AgentLedger {
  host: string;
  agent: string;
  state: 'alive' | 'stopped' | 'silent' | 'replaced';
  /** Last word, milliseconds since 1970. */
  last_seen_ms: number;
  interval_ms: number;
}

export interface SetAsideLedger {
  stream: string;
  host: string;
  file: string;
  generation: string;
  offset: number;
  bytes?: number;
  reason: string;
  object: string;
}

export interface LedgerReport {
  at_ms: number;
  /** Objects that arrived since then were read. */
  from_ms: number;
  objects: number;
  files: FileLedger[];
  gaps: Gap[];
  /** Gaps that are still younger than `older_than_ms`. */
  in_flight: Gap[];
  agents: AgentLedger[];
  set_aside: SetAsideLedger[];
  older_than_ms: number;
  /** What could not be looked at: the ledger is not complete where this is not empty. */
  incomplete: string[];
}
