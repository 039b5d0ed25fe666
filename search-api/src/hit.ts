import { writable } from '@millrace/core/document/json-text.ts';
import { derivedNames } from '@millrace/core/document/reserved.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import { Type } from 'typebox';
import type { Access } from './access/access.ts';
import { movedRanges } from './access/blot.ts';
import { redactDocument, redactedText } from './access/redact.ts';
import { redactionOf } from './access/redaction.ts';

/** A document as the API shows it. Engine-independent; more dotted ECS names may follow the named ones. */
export const HitSchema = Type.Object(
  {
    id: Type.String({ description: 'Event id' }),
    '@timestamp': Type.String(),
    message: Type.Optional(Type.String({ description: 'Absent when `fields` was asked for without it' })),
    tag: Type.Optional(Type.String()),
    stream: Type.Optional(Type.String()),
    host: Type.Optional(Type.String()),
    file: Type.Optional(Type.String()),
    offset: Type.Optional(Type.Number({ description: 'Byte offset of the record in its file' })),
    level: Type.Optional(Type.String()),
    generation: Type.Optional(Type.String()),
    highlight: Type.Optional(
      Type.Array(Type.Tuple([Type.Integer(), Type.Integer()]), {
        description: 'Matches in message: UTF-16 offsets, end exclusive',
      }),
    ),
    fields: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: "The record's own fields as parsed" }),
    ),
  },
  { additionalProperties: true },
);

export type Hit = Record<string, unknown> & { id: string; '@timestamp': string; message: string };

const shortNames: Record<string, string> = {
  'host.name': 'host',
  'log.file.path': 'file',
  'log.offset': 'offset',
  'log.level': 'level',
  'event.generation': 'generation',
};

const documentNames = new Map(Object.entries(shortNames).map(([long, short]) => [short, long]));

/** What hits call a document's field. */
export function hitName(name: string): string {
  return Object.hasOwn(shortNames, name) ? (shortNames[name] ?? name) : name;
}

/** What documents call a hit's field. */
export function documentName(name: string): string {
  return documentNames.get(name) ?? name;
}

/** For sorting only. */
const hidden = new Set(['event.tie']);
const derived = new Set<string>(derivedNames);

/**
 * Flattens a document to dotted names, under short names where it has one; `fields` is left as it is. What is hidden
 * from the access is not in it: every event that leaves the server passes here.
 */
export function hitOf({ id, source: whole, highlight }: SearchHit, access: Access): Hit {
  const message = String(whole.message ?? '');
  const ranges = highlight === undefined ? [] : highlightRanges(message, highlight);
  const redaction = redactionOf(access);
  if (redaction === undefined) return flat(id, whole, ranges);
  const redacted = redactDocument(whole, redaction);
  return flat(id, redacted.source, movedRanges(ranges, redacted, redactedText));
}

function flat(id: string, source: Record<string, unknown>, ranges: [number, number][]): Hit {
  const message = String(source.message ?? '');
  const hit: Hit = { id, '@timestamp': String(source['@timestamp'] ?? ''), message };
  if (ranges.length > 0) hit.highlight = ranges;
  for (const name in source) {
    if (name === 'message' || name === '@timestamp' || derived.has(name)) continue;
    if (name === 'fields') hit.fields = writable(source.fields);
    else flatten(hit, namesOf(names, '', name), source[name]);
  }
  return hit;
}

function flatten(hit: Hit, name: Names, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const members = value as Record<string, unknown>;
    for (const key in members) flatten(hit, namesOf(name.below, `${name.name}.`, key), members[key]);
  } else if (value !== null && !hidden.has(name.name)) {
    hit[name.shown] = value;
  }
}

/** A name in documents, what hits call it, and the names below it. */
interface Names {
  name: string;
  shown: string;
  below: Map<string, Names>;
}

/** Names are put together once: to do so in each hit is most of what a hit costs. */
const names = new Map<string, Names>();
/** Of one object's members. */
const membersMax = 1_000;

function namesOf(members: Map<string, Names>, prefix: string, key: string): Names {
  const known = members.get(key);
  if (known !== undefined) return known;
  const name = prefix + key;
  const made = { name, shown: hitName(name), below: new Map<string, Names>() };
  if (members.size < membersMax) members.set(key, made);
  return made;
}

/**
 * Offsets in `message` of what stands between \u0001 and \u0002. The message may hold such characters itself, so
 * both texts are walked together; when they part, there are no ranges rather than wrong ones.
 */
export function highlightRanges(message: string, highlight: string): [number, number][] {
  const ranges: [number, number][] = [];
  let at = 0;
  let open = -1;
  for (let i = 0; i < highlight.length; i++) {
    const char = highlight[i];
    if (char === '\u0001' && open < 0) open = at;
    else if (char === '\u0002' && open >= 0) {
      ranges.push([open, at]);
      open = -1;
    } else if (char === message[at]) at++;
    else return [];
  }
  return ranges;
}
