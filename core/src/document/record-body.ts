import { withoutTerminator } from '../parse/encoding.ts';
import { messageField } from '../parse/fields.ts';
import type { Parsed } from '../parse/parsed.ts';
import { accessMembers } from './access.ts';
import { cutText, leavesMax, writeLeaves } from './containers.ts';
import { type FieldMembers, fieldMembers } from './field-members.ts';
import { quoted } from './json-text.ts';
import { WellKnownCollector } from './reserved.ts';
import type { RulePlan } from './rule-plan.ts';

/** parse, time: see ParseFailure. limit: the document is there, but not all of it where it should be. */
interface DocumentError {
  type: 'parse' | 'time' | 'limit';
  message: string;
}

/** The part of a document that comes from its record's text. */
export interface RecordBody {
  message: string;
  level: string | undefined;
  service: string | undefined;
  /** JSON members with a comma before each. */
  json: string;
  error: DocumentError | undefined;
}

const errorUnitsMax = 256;

export function recordBody(plan: RulePlan, parsed: Parsed, text: string): RecordBody {
  const { fields, access } = parsed;
  const taken = fields === undefined ? undefined : messageField(fields);
  const members = fields === undefined ? plan.addedMembers : ownMembers(plan, fields, taken);
  const error = parsed.error ?? limitError(members.leftOut);
  return {
    message: taken === undefined ? (parsed.message ?? text) : messageText(taken, String(fields?.[taken])),
    level: members.level ?? parsed.level,
    service: members.service,
    json: (access === undefined ? '' : accessMembers(access)) + members.json + errorMember(error),
    error,
  };
}

/** Docker writes the terminator of a container's line into `log`. */
function messageText(name: string, value: string): string {
  return name === 'log' ? withoutTerminator(value) : value;
}

/** The body of a piece of a record that was cut at the size limit: no parser could make sense of it. */
export function pieceBody(plan: RulePlan, text: string): RecordBody {
  const error: DocumentError = { type: 'limit', message: 'a piece of a record over 1 MiB' };
  const { level, service, json } = plan.addedMembers;
  return { message: text, level, service, json: json + errorMember(error), error };
}

function ownMembers(
  plan: RulePlan,
  fields: NonNullable<Parsed['fields']>,
  taken: string | undefined,
): FieldMembers {
  const leaves = { ...plan.added };
  const collector = new WellKnownCollector(plan.addedWellKnown);
  const { addedNames } = plan;
  writeLeaves(fields, leaves, collector, (name) => name === taken || addedNames.has(name));
  return fieldMembers(leaves, collector.found);
}

function limitError(leftOut: number): DocumentError | undefined {
  if (leftOut === 0) return undefined;
  const message = `${leftOut} values are in fields only: more than ${leavesMax}, or of too long a name`;
  return { type: 'limit', message };
}

function errorMember(error: DocumentError | undefined): string {
  if (error === undefined) return '';
  return `,"error":{"type":"${error.type}","message":${quoted(cutText(error.message, errorUnitsMax))}}`;
}
