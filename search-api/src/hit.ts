import type { SearchHit } from '@millrace/core/store/port.ts';
import { Type } from 'typebox';

/** A document as the API shows it. Engine-independent; more dotted ECS names may follow the named ones. */
export const HitSchema = Type.Object(
  {
    id: Type.String({ description: 'Event id' }),
    '@timestamp': Type.String(),
    message: Type.String(),
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

/** For sorting only. */
const hidden = new Set(['event.tie']);

/** Flattens a document to dotted names, under short names where it has one; `fields` is left as it is. */
export function hitOf({ id, source, highlight }: SearchHit): Hit {
  const message = String(source.message ?? '');
  const hit: Hit = { id, '@timestamp': String(source['@timestamp'] ?? ''), message };
  const ranges = highlight === undefined ? [] : highlightRanges(message, highlight);
  if (ranges.length > 0) hit.highlight = ranges;
  for (const [name, value] of Object.entries(source)) {
    if (name === 'message' || name === '@timestamp') continue;
    if (name === 'fields') hit.fields = value;
    else flatten(hit, name, value);
  }
  return hit;
}

function flatten(hit: Hit, name: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, item] of Object.entries(value)) flatten(hit, `${name}.${key}`, item);
  } else if (value !== null && !hidden.has(name)) {
    hit[Object.hasOwn(shortNames, name) ? (shortNames[name] ?? name) : name] = value;
  }
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
