import { type Blotted, blot, type Leaf } from './blot.ts';
import type { Redaction } from './redaction.ts';

/** Stands for what is hidden. */
export const redactedText = '[redacted]';

type Source = Record<string, unknown>;

/** Leaves looked for in one message; with more, none of it is shown. */
const leavesMax = 256;

/** A document without what is hidden, its message blotted. */
export interface RedactedDocument extends Blotted {
  source: Source;
}

/** The source of a document as somebody may see it from whom `redaction` hides something; undefined: nothing. */
export function seenSource(source: Source, redaction: Redaction | undefined): Source {
  return redaction === undefined ? source : redactDocument(source, redaction).source;
}

/**
 * Takes hidden fields out, and their values out of `message`. What could not be parsed has its values in the message
 * under no name, so that message is hidden as a whole.
 */
export function redactDocument(source: Source, redaction: Redaction): RedactedDocument {
  const hidden: Leaf[] = [];
  const { fields, kv: _kv, kn: _kn, ...known } = source;
  const kept: Source = without(known, '', (name) => redaction.known(name), hidden);
  if (isRecord(fields)) kept.fields = without(fields, '', (name) => redaction.own(name), hidden);
  const message = String(source.message ?? '');
  if (redaction.known('message') || isUnparsed(source) || hidden.length > leavesMax) {
    if (isRecord(kept.error)) kept.error = { type: kept.error.type };
    return { source: { ...kept, message: redactedText }, text: redactedText, cuts: undefined };
  }
  const blotted = blot(message, hidden, redactedText);
  return { source: { ...kept, message: blotted.text }, ...blotted };
}

/** Its message may be the whole record, and its fields are not all known. */
function isUnparsed({ error }: Source): boolean {
  return isRecord(error) && (error.type === 'parse' || error.type === 'limit');
}

/** Copies what is not hidden; the leaves of what is are added to `hidden`. */
function without(value: Source, above: string, isHidden: (name: string) => boolean, hidden: Leaf[]): Source {
  const kept: Source = {};
  for (const [key, item] of Object.entries(value)) {
    const name = above === '' ? key : `${above}.${key}`;
    if (isHidden(name)) addLeaves(item, hidden);
    else define(kept, key, inside(item, name, isHidden, hidden));
  }
  return kept;
}

function inside(item: unknown, name: string, isHidden: (name: string) => boolean, hidden: Leaf[]): unknown {
  // The elements of an array have the array's name.
  if (Array.isArray(item)) return item.map((element) => inside(element, name, isHidden, hidden));
  return isRecord(item) ? without(item, name, isHidden, hidden) : item;
}

/** A log may have a field `__proto__`. */
function define(target: Source, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function addLeaves(value: unknown, hidden: Leaf[]): void {
  if (hidden.length > leavesMax) return;
  if (value === undefined || value === null) return;
  if (typeof value === 'object') for (const item of Object.values(value)) addLeaves(item, hidden);
  else hidden.push(value as Leaf);
}

function isRecord(value: unknown): value is Source {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
