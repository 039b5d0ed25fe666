import type { Dsl } from '@millrace/core/store/port.ts';

/** What may be done: each route names the scope it needs, a key or a user has some of them. */
export const scopes = [
  'search',
  'tail',
  'export',
  'archive',
  'save',
  'alerts',
  'ledger',
  'replay',
  'metrics',
  'admin',
] as const;

export type Scope = (typeof scopes)[number];

/** Who asks, and what of the logs there is for them. Everything that reads events goes by it. */
export interface Access {
  /** For the audit log and for what somebody saved: `loopback`, `key:shop-team`, `user:ann@example.com`. */
  subject: string;
  scopes: ReadonlySet<Scope>;
  /** Names with `*` for any text; an event must match one of each list. An empty list: any. */
  tags: readonly string[];
  hosts: readonly string[];
  streams: readonly string[];
  /** Fields, by the names of hits or of documents, whose values are not shown, searched or counted. */
  redact: readonly string[];
}

/** Everything: for who is trusted by where they sit. */
export function unlimitedAccess(subject: string): Access {
  return { subject, scopes: new Set(scopes), tags: [], hosts: [], streams: [], redact: [] };
}

/** Of who has shown nothing that says who they are. */
export const nobody: Access = { ...unlimitedAccess('nobody'), scopes: new Set() };

/** What a key or a role grants. */
export interface Grant {
  scopes: readonly Scope[];
  tags: readonly string[];
  hosts: readonly string[];
  streams: readonly string[];
  redact: readonly string[];
}

const granted = new WeakMap<Grant, Map<string, Access>>();
const grantedMax = 100;

/** The same object for the same grant and subject, so that what is made of an access once need not be made again. */
export function accessOf(subject: string, grant: Grant): Access {
  const known = granted.get(grant) ?? new Map<string, Access>();
  granted.set(grant, known);
  let access = known.get(subject);
  if (access === undefined) {
    const { scopes: some, tags, hosts, streams, redact } = grant;
    access = { subject, scopes: new Set(some), tags, hosts, streams, redact };
    if (known.size >= grantedMax) known.clear();
    known.set(subject, access);
  }
  return access;
}

/** Whether some of the logs are not for this access, or something of them. */
export function isLimited({ tags, hosts, streams, redact }: Access): boolean {
  return [tags, hosts, streams, redact].some((list) => list.length > 0);
}

/** The filters that keep others' events away, on hot and archive alike; none for who may see all. */
export function accessFilters({ tags, hosts, streams }: Access): Dsl[] {
  const lists: [string, readonly string[]][] = [
    ['tag', tags],
    ['host.name', hosts],
    ['stream', streams],
  ];
  return lists.flatMap(([field, names]) =>
    names.length === 0
      ? []
      : [{ bool: { should: names.map((name) => named(field, name)), minimum_should_match: 1 } }],
  );
}

function named(field: string, name: string): Dsl {
  if (!name.includes('*')) return { term: { [field]: { value: name } } };
  return { wildcard: { [field]: { value: name.replaceAll(/[?\\]/g, '\\$&') } } };
}
