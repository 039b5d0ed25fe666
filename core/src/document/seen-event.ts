import type { Fields, FieldValue, Parsed } from '../parse/parsed.ts';
import { resolveField } from '../query/fields.ts';
import type { BlockHeader, Source } from '../wire/block.ts';
import type { RecordBody } from './record-body.ts';
import type { RulePlan } from './rule-plan.ts';

/** An event while its document is made: what it has, without reading the document once more. */
export interface SeenEvent {
  /** Of its time, whole seconds since 1970; may be negative. */
  seconds: number;
  header: BlockHeader;
  source: Source;
  plan: RulePlan;
  /** Undefined for a piece of a record. */
  parsed: Parsed | undefined;
  body: RecordBody;
}

/** A value, or nothing; the first one of a list. */
export type FieldReader = (event: SeenEvent) => string | number | bigint | boolean | undefined;

/** Fields of a document's own that hold one of few values; the others have one for nearly each event. */
const ownFields: Record<string, FieldReader> = {
  tag: ({ source }) => source.tag,
  stream: ({ header }) => header.stream,
  'host.name': ({ header }) => header.host,
  'log.file.path': ({ source }) => source.path,
  'log.level': ({ body }) => body.level,
  'service.name': ({ body }) => body.service,
  'error.type': ({ body }) => body.error?.type,
  'http.request.method': ({ parsed }) => parsed?.access?.method,
  'http.response.status_code': ({ parsed }) => parsed?.access?.status,
};

/** Names of fields with a meaning of their own that a reader can be had of; of a record's own it can be of any. */
export const seenFieldNames: readonly string[] = Object.keys(ownFields);

/**
 * Reads what a name stands for in a query: `status` is that of an access log's line, or else a record's own field of
 * this name. Undefined for a field of documents that cannot be read so; `fields.` before it names a record's own.
 */
export function fieldReader(name: string): FieldReader | undefined {
  const readers = resolveField(name).map((target) =>
    target.in === 'known' ? ownFields[target.field.name] : recordField(target.name),
  );
  const [first, second] = readers;
  if (first === undefined || (readers.length > 1 && second === undefined)) return undefined;
  return second === undefined ? first : (event) => first(event) ?? second(event);
}

function recordField(name: string): FieldReader {
  return ({ plan, parsed }) => {
    const { add } = plan.compiled.rule;
    // As in the document: what rule and source add stands in place of the record's own.
    return (
      (add && leafOf(add, name)) ??
      (plan.outer && leafOf(plan.outer, name)) ??
      (parsed?.fields && leafOf(parsed.fields, name))
    );
  };
}

/** A name with dots is one name, or the way into objects. */
function leafOf(fields: Fields, name: string): ReturnType<FieldReader> {
  if (Object.hasOwn(fields, name)) {
    const leaf = firstLeaf(fields[name]);
    if (leaf !== undefined) return leaf;
  }
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const head = name.slice(0, dot);
    const inner = Object.hasOwn(fields, head) ? fields[head] : undefined;
    for (const item of Array.isArray(inner) ? inner : [inner]) {
      if (typeof item !== 'object' || item === null || Array.isArray(item)) continue;
      const leaf = leafOf(item, name.slice(dot + 1));
      if (leaf !== undefined) return leaf;
    }
  }
  return undefined;
}

function firstLeaf(value: FieldValue): ReturnType<FieldReader> {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'object' || first === null ? undefined : first;
}
