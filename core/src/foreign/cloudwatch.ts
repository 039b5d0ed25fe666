import { MillraceError } from '../errors.ts';
import { arrayElements, type Member, objectMembers, type Slice } from './json-scan.ts';

/** What CloudWatch Logs sends to a subscribed stream: many events of one log stream. */
export interface Envelope {
  /** `control`: CloudWatch Logs asks whether the stream can be written to; there is nothing in it. */
  kind: 'data' | 'control';
  owner: string;
  group: string;
  /** Log stream. */
  stream: string;
  /** Names of the subscription filters that matched. */
  filters: string[];
  /** Where the events' JSON stands. */
  events: Slice[];
}

/** Bytes of one of the envelope's own texts; CloudWatch's are at most 512 characters long. */
const textBytesMax = 4_096;

/**
 * Undefined for everything else.
 * @throws MillraceError WIRE_LIMIT for more than `eventsMax` events
 */
export function readEnvelope(bytes: Buffer, eventsMax: number): Envelope | undefined {
  // Looking is cheap, and most records are none.
  if (bytes.length < 2 || !bytes.subarray(0, textBytesMax).includes('"messageType"')) return undefined;
  const members = new Map((objectMembers(bytes) ?? []).map((member) => [member.name, member]));
  const [kind, owner, group, stream] = ['messageType', 'owner', 'logGroup', 'logStream'].map((name) =>
    textOf(bytes, members.get(name)),
  );
  const events = members.get('logEvents');
  if (owner === undefined || group === undefined || stream === undefined || events === undefined)
    return undefined;
  if (kind !== 'DATA_MESSAGE' && kind !== 'CONTROL_MESSAGE') return undefined;
  const found = eventSlices(bytes, events.from, eventsMax);
  if (found === undefined) return undefined;
  const filters = filterNames(bytes, members.get('subscriptionFilters'));
  return { kind: kind === 'DATA_MESSAGE' ? 'data' : 'control', owner, group, stream, filters, events: found };
}

function eventSlices(bytes: Buffer, from: number, eventsMax: number): Slice[] | undefined {
  const found: Slice[] = [];
  for (const slice of arrayElements(bytes, from)) {
    if (slice === undefined) return undefined;
    if (found.length >= eventsMax) throw tooManyEvents(eventsMax);
    found.push(slice);
  }
  return found;
}

export function tooManyEvents(eventsMax: number): MillraceError {
  return new MillraceError('WIRE_LIMIT', `the record has more than ${eventsMax} events`, {
    hint: 'raise foreign.events_max of the consumer when this is wanted',
  });
}

function textOf(bytes: Buffer, member: Member | undefined): string | undefined {
  const value = shortValue(bytes, member);
  return typeof value === 'string' ? value.toWellFormed() : undefined;
}

function filterNames(bytes: Buffer, member: Member | undefined): string[] {
  const value = shortValue(bytes, member);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function shortValue(bytes: Buffer, member: Member | undefined): unknown {
  if (member === undefined || member.to - member.from > textBytesMax) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8', member.from, member.to));
  } catch {
    return undefined;
  }
}
