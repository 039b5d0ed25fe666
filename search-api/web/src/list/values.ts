import { exactJson } from '@millrace/core/document/json-text.ts';
import { resolveField } from '@millrace/core/query/fields.ts';
import type { Hit } from '../api/types.ts';

/** Names of documents that hits have under short ones. */
const shortNames = new Map(
  Object.entries({
    'host.name': 'host',
    'log.file.path': 'file',
    'log.offset': 'offset',
    'log.level': 'level',
    'event.generation': 'generation',
    status: 'http.response.status_code',
    code: 'http.response.status_code',
    method: 'http.request.method',
    path: 'url.original',
    _id: 'id',
  }),
);

/** Names of hits that queries write otherwise. */
const queryNames = new Map(
  Object.entries({
    id: '_id',
    generation: 'event.generation',
    host: 'host.name',
    file: 'log.file.path',
    offset: 'log.offset',
    level: 'log.level',
  }),
);

/** One name for a column, whichever of its names it was chosen by. */
export function columnName(name: string): string {
  if (!name.startsWith('fields.')) return queryNames.get(name) ?? name;
  const own = name.slice('fields.'.length);
  const [only, ...more] = resolveField(own);
  // Without `fields.` it may be the event's, not the record's.
  return only?.in === 'containers' && more.length === 0 && !queryNames.has(own) ? own : name;
}

export interface Field {
  /** As people read it. */
  name: string;
  /** As queries write it. */
  queryName: string;
  value: unknown;
}

const notFields = new Set(['message', 'highlight', 'fields', 'id']);
const firstNames = ['@timestamp', 'level', 'host', 'tag', 'service.name', 'file', 'offset'];
const lastNames = ['stream', 'generation', 'event.ingested', 'id'];

/** All of an event but its message: where it is from, what its parser found, what we noted about it. */
export function fieldsOf(hit: Hit): Field[] {
  const named = (name: string): Field[] =>
    Object.hasOwn(hit, name) ? [{ name, queryName: queryNames.get(name) ?? name, value: hit[name] }] : [];
  const others = Object.keys(hit).filter(
    (name) => !notFields.has(name) && !firstNames.includes(name) && !lastNames.includes(name),
  );
  // A record's own field may be called like one of ours: `fields.` says which is meant.
  const own = leavesOf(hit.fields ?? {})
    .filter(([name, value]) => !Object.hasOwn(hit, name) || textOf(hit[name]) !== textOf(value))
    .map(([name, value]) => ({ name, queryName: `fields.${name}`, value }));
  return [...firstNames.flatMap(named), ...own, ...others.flatMap(named), ...lastNames.flatMap(named)];
}

/** Members of members by dotted names; lists are values. */
export function leavesOf(value: object, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([name, item]): [string, unknown][] =>
    typeof item === 'object' && item !== null && !Array.isArray(item) && Object.keys(item).length > 0
      ? leavesOf(item, `${prefix}${name}.`)
      : [[prefix + name, item]],
  );
}

/** The value of a column, by any of the names that queries know it by. */
export function fieldValue(hit: Hit, name: string): unknown {
  if (name.startsWith('fields.')) return memberOf(hit.fields, name.slice(7));
  // Anybody may call a field `constructor`.
  for (const own of [name, shortNames.get(name) ?? name])
    if (Object.hasOwn(hit, own) && hit[own] != null) return hit[own];
  return memberOf(hit.fields, name);
}

function memberOf(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Record<string, unknown>;
  if (Object.hasOwn(members, path)) return members[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    const found = Object.hasOwn(members, head) ? memberOf(members[head], path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : (exactJson(value) ?? '');
}

export type Tone = 'bad' | 'warn' | 'calm' | 'good' | 'faint' | 'none';

const tones = new Map<string, Tone>(
  Object.entries({
    trace: 'faint',
    debug: 'faint',
    info: 'calm',
    notice: 'calm',
    warn: 'warn',
    error: 'bad',
    critical: 'bad',
    alert: 'bad',
    emergency: 'bad',
    fatal: 'bad',
  } as const),
);

export function toneOfLevel(level: string): Tone {
  return tones.get(level) ?? 'none';
}

/** The level of an event, or its HTTP status. */
export function badgeOf(hit: Hit): { text: string; tone: Tone } {
  if (hit.level !== undefined) return { text: hit.level, tone: toneOfLevel(hit.level) };
  const status = Number(hit['http.response.status_code']);
  if (!(status >= 100)) return { text: '', tone: 'none' };
  return { text: String(status), tone: status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good' };
}

export function isError(hit: Hit): boolean {
  return badgeOf(hit).tone === 'bad';
}
