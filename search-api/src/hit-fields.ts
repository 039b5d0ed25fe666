import { suggest } from '@millrace/core/config/suggest.ts';
import { derivedNames, reservedNames } from '@millrace/core/document/reserved.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { knownFieldNames, resolveField } from '@millrace/core/query/fields.ts';
import type { PipeField } from '@millrace/core/query/pipes/pipe.ts';
import type { PipeShape } from '@millrace/core/query/pipes/shape.ts';
import type { Access } from './access/access.ts';
import { assertFieldAllowed } from './access/allowed.ts';
import { documentName, type Hit, hitName } from './hit.ts';

/** What a request's `fields` asks for of each hit. */
export interface HitFields {
  /** Members of the source that are needed for it; undefined: all. */
  source: string[] | undefined;
  /** Whether matches in `message` are asked for. */
  marks: boolean;
  /** The hit with the fields asked for, and `id` and `@timestamp`, which every hit has. */
  of(hit: Hit): PartOfHit;
}

type PartOfHit = Record<string, unknown> & Pick<Hit, 'id' | '@timestamp'>;

const namesMax = 100;
const ownPrefix = 'fields.';
/** Of every hit, whether asked for or not. */
const always = new Set(['id', '@timestamp']);
const derived = new Set<string>(derivedNames);

/** The parameter `fields` goes before the pipe. */
export function wantedFields(
  parameter: string | undefined,
  shape: PipeShape,
  access: Access,
): HitFields | undefined {
  if (parameter !== undefined) return hitFields(parameter.split(','), access);
  return shape.fields === undefined ? undefined : pipeFields(shape.fields, access);
}

/** What a query's `| fields a, b` asks for: names as queries have them. */
function pipeFields(fields: readonly PipeField[], access: Access): HitFields {
  const names = fields.flatMap(({ name }) =>
    resolveField(name).map((target) =>
      target.in === 'containers' ? `${ownPrefix}${target.name}` : hitName(target.field.name),
    ),
  );
  return hitFields(names, access);
}

/**
 * Names as hits have them (`host`, `url.original`, `fields.user.id`).
 * @throws MillraceError QUERY_INVALID for a name that no hit has
 * @throws Refused 403 for one that is hidden from the asker
 */
export function hitFields(list: readonly string[], access: Access): HitFields {
  const names = new Set(list.map((name) => name.trim()));
  if (names.size > namesMax)
    throw invalid(`more than ${namesMax} names`, 'leave fields out for all there are');
  const asked = [...names].filter((name) => !always.has(name));
  for (const name of asked) {
    assertKnown(name);
    if (name !== 'highlight' && name !== 'fields') assertFieldAllowed(access, documentName(name));
  }
  const tops = new Set(asked.map((name) => (name === 'highlight' ? name : hitName(documentName(name)))));
  const own = asked.filter((name) => name.startsWith(ownPrefix)).map((name) => name.slice(ownPrefix.length));
  if (tops.has('message')) tops.add('highlight');
  // What is hidden must be blotted out of the message, so it has to be known.
  const source = access.redact.length > 0 ? undefined : ['@timestamp', ...asked.map(documentName)];
  return {
    source: source?.filter((name) => name !== 'highlight'),
    marks: tops.has('highlight'),
    of(hit) {
      const kept: PartOfHit = { id: hit.id, '@timestamp': hit['@timestamp'] };
      for (const [name, value] of Object.entries(hit)) {
        if (tops.has(name) || isBelow(name, tops)) kept[name] = value;
        else if (name === 'fields' && own.length > 0) kept.fields = pruned(value, '', own);
      }
      return kept;
    },
  };
}

function assertKnown(name: string): void {
  const document = documentName(name);
  if (name.startsWith(ownPrefix) && name.length > ownPrefix.length) return;
  const [top = ''] = document.split('.');
  const reserved = (reservedNames as readonly string[]).includes(top) && !derived.has(top);
  if (name === 'highlight' || reserved) return;
  const known = resolveField(name).flatMap((target) => (target.in === 'known' ? [target.field.name] : []))[0];
  const near = known === undefined ? suggest(name, knownFieldNames().map(hitName)) : hitName(known);
  const own = name === '' ? '' : ` a field of your own is written fields.${name}`;
  throw invalid(
    `hits have no field "${name.slice(0, 64)}"`,
    near === undefined ? `names are those of hits;${own}` : `did you mean "${near}"?${own}`,
  );
}

function isBelow(name: string, tops: ReadonlySet<string>): boolean {
  for (let at = name.lastIndexOf('.'); at > 0; at = name.lastIndexOf('.', at - 1))
    if (tops.has(name.slice(0, at))) return true;
  return false;
}

/** The members at, above or below one of the paths; names with dots in them are paths as well. */
function pruned(value: unknown, path: string, wanted: readonly string[]): unknown {
  if (wanted.some((name) => path === name || path.startsWith(`${name}.`))) return value;
  if (Array.isArray(value))
    return value.map((item) => pruned(item, path, wanted)).filter((item) => item !== undefined);
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return undefined;
  const kept: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const below = path === '' ? key : `${path}.${key}`;
    if (!wanted.some((name) => name.startsWith(below) || below.startsWith(name))) continue;
    const left = pruned(item, below, wanted);
    // A log may have a field `__proto__`.
    if (left !== undefined)
      Object.defineProperty(kept, key, { value: left, enumerable: true, configurable: true, writable: true });
  }
  return Object.keys(kept).length === 0 && path !== '' ? undefined : kept;
}

function invalid(message: string, hint: string): MillraceError {
  return new MillraceError('QUERY_INVALID', `parameter fields: ${message}`, { hint });
}
