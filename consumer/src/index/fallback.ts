import { cutText } from '@millrace/core/document/containers.ts';
import type { RenderedDocument } from '@millrace/core/document/types.ts';

const messageUnitsMax = 8 * 1024;
const reasonUnitsMax = 512;
const nameUnitsMax = 4096;
/** What a date_nanos can hold: 2^63 ns. */
const timeMsMax = 9_223_372_036_854;

/**
 * The same event with nothing in it that a store could refuse: its message, cut, where it came from, and why it
 * is not whole (D5). The archive has it in full.
 */
export function fallbackDocument(
  { index, id, source }: RenderedDocument,
  reason: string,
  archived: { object: string | undefined; block: string | undefined },
): RenderedDocument {
  const whole = parsed(source);
  const event = record(whole.event);
  const log = record(whole.log);
  const earlier = text(record(whole.error).message, reasonUnitsMax);
  const time = storableTime(whole['@timestamp']);
  const reasons = [reason, ...(earlier === undefined ? [] : [earlier])];
  if (time !== whole['@timestamp']) reasons.push(`its time is ${JSON.stringify(whole['@timestamp'])}`);
  const document = {
    '@timestamp': time,
    message: text(whole.message, messageUnitsMax) ?? '',
    tag: text(whole.tag, nameUnitsMax),
    stream: text(whole.stream, nameUnitsMax),
    host: { name: text(record(whole.host).name, nameUnitsMax) },
    log: {
      file: { path: text(record(log.file).path, nameUnitsMax) },
      offset: Number.isSafeInteger(log.offset) ? log.offset : undefined,
    },
    error: { type: 'index', message: cutText(reasons.join('; '), reasonUnitsMax) },
    // Where the whole of it is.
    archive: { object: archived.object, block: archived.block },
    // Last, as in every document: the bulk action adds to it.
    event: { generation: text(event.generation, nameUnitsMax) ?? '' },
  };
  return { index, id, source: JSON.stringify(document), error: reason };
}

function parsed(source: string): Record<string, unknown> {
  try {
    return record(JSON.parse(source));
  } catch {
    return { message: source };
  }
}

function storableTime(value: unknown): string {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return ms >= 0 && ms <= timeMsMax ? String(value) : '1970-01-01T00:00:00Z';
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown, unitsMax: number): string | undefined {
  return typeof value === 'string' ? cutText(value, unitsMax) : undefined;
}
