import { resolveField } from '@millrace/core/query/fields.ts';
import { wildcardMatches } from '@millrace/core/query/match-values.ts';
import type { Access } from './access.ts';

/** What of events an access may not know. Names below a hidden one are hidden with it. */
export interface Redaction {
  /** Whether a field with a mapping of its own is hidden; `name` is the document's. */
  known(name: string): boolean;
  /** Whether one of the record's own fields is hidden; `name` is dotted, without `fields.`. */
  own(name: string): boolean;
}

/** Fields that hold one value: who hides one of them means all. */
const sameValue: { known: string[]; own: string[] }[] = [
  { known: ['source.ip', 'source.address'], own: [] },
  { known: ['log.level'], own: ['log.level', 'level', 'severity'] },
  { known: ['service.name'], own: ['service.name', 'service'] },
  { known: ['trace.id'], own: ['trace.id', 'trace_id', 'traceId'] },
];

/** Ids, order and cursors are made of these. */
const neverHidden = new Set([
  '@timestamp',
  'event.id',
  'event.generation',
  'event.ingested',
  'event.tie',
  'log.file.path',
  'log.offset',
  'stream',
  'tag',
]);

/** Objects that those are in: what else is in them is hidden by itself. */
const aboveNeverHidden = new Set([...neverHidden].flatMap((name) => selfAndAbove(name).slice(1)));

const made = new WeakMap<readonly string[], Redaction>();

/** Undefined: nothing is hidden. */
export function redactionOf({ redact }: Access): Redaction | undefined {
  if (redact.length === 0) return undefined;
  const known = made.get(redact);
  if (known !== undefined) return known;
  const redaction = redactionBy(redact);
  made.set(redact, redaction);
  return redaction;
}

/** Whether a name may stand in `redact`. */
export function canBeHidden(name: string): boolean {
  const [first] = resolveField(name);
  return first?.in !== 'known' || !neverHidden.has(first.field.name);
}

function redactionBy(redact: readonly string[]): Redaction {
  const knownNames: string[] = [];
  const ownNames: string[] = [];
  for (const name of redact) {
    for (const target of resolveField(name)) {
      if (target.in === 'known') knownNames.push(target.field.name);
      else ownNames.push(target.name);
    }
    // `http` and `http.*` are about the mapping's fields too, though none is called so.
    if (!name.startsWith('fields.')) knownNames.push(name);
  }
  const knownTest = anyOf(knownNames);
  const ownTest = anyOf(ownNames);
  const groups = sameValue.filter((group) => group.known.some(knownTest) || group.own.some(ownTest));
  const knownToo = new Set(groups.flatMap((group) => group.known));
  const ownToo = new Set(groups.flatMap((group) => group.own));
  // `*` hides fields, not what is left when all fields are hidden.
  const message = redact.includes('message');
  return {
    known(name) {
      if (name === 'message') return message;
      if (neverHidden.has(name) || aboveNeverHidden.has(name)) return false;
      return knownTest(name) || knownToo.has(name);
    },
    own: (name) => ownTest(name) || selfAndAbove(name).some((above) => ownToo.has(above)),
  };
}

/** Whether one of the names is the given one or above it; `*` in a name is any text. */
function anyOf(names: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => !name.includes('*')));
  const patterns = names
    .filter((name) => name.includes('*'))
    .map((name) => wildcardMatches(name.replaceAll(/[?\\]/g, '\\$&')));
  return (name) =>
    selfAndAbove(name).some((above) => exact.has(above) || patterns.some((matches) => matches(above)));
}

/** `a.b.c`, `a.b`, `a`. */
function selfAndAbove(name: string): string[] {
  const names = [name];
  for (let at = name.lastIndexOf('.'); at > 0; at = name.lastIndexOf('.', at - 1))
    names.push(name.slice(0, at));
  return names;
}
