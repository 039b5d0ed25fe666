import { secondText } from '../forward/json-lines.ts';
import type { AnyValue, KeyValue, LogRecord, LogsRequest } from './model.ts';
import { tooDeep, valueDepthMax } from './model.ts';

/** Name of the member that holds the event's time. */
export const timeKey = '@time';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
/** Parts of a tag that come from attributes. */
const tagPartMax = 100;

/** Lines of JSON by tag, and the records that cannot be documents. */
export interface Lines {
  tags: Map<string, string[]>;
  events: number;
  rejected: number;
  /** Why the first of them was. */
  why: string;
}

/**
 * A line for each log record. `tag` may hold `${name}` for an attribute of its resource.
 * @throws TypeError for what has not the form of a request
 */
export function logLines({ resourceLogs }: LogsRequest, tag: string, eventBytesMax: number): Lines {
  const lines: Lines = { tags: new Map(), events: 0, rejected: 0, why: '' };
  for (const { resource, scopeLogs } of arrayOf(resourceLogs)) {
    const attributes = arrayOf(resource?.attributes);
    const texts = textsOf(tag, attributes);
    const into = lines.tags.get(texts) ?? [];
    const shared = attempt(lines, arrayOf(scopeLogs), () => resourceMembers(attributes));
    if (shared === undefined) continue;
    for (const { scope, logRecords } of arrayOf(scopeLogs)) {
      const whose = attempt(lines, [{ logRecords: arrayOf(logRecords) }], () => scopeMembers(scope));
      if (whose === undefined) continue;
      for (const record of arrayOf(logRecords)) {
        const line = attempt(lines, [{ logRecords: [record] }], () => {
          const text = `{${`${recordText(record)}${shared}${whose}`.slice(1)}}\n`;
          if (Buffer.byteLength(text) > eventBytesMax)
            throw new RangeError(`longer than ${eventBytesMax} bytes`);
          return text;
        });
        if (line !== undefined) into.push(line);
      }
    }
    if (into.length > 0) lines.tags.set(texts, into);
  }
  for (const into of lines.tags.values()) lines.events += into.length;
  return lines;
}

function attempt<T>(lines: Lines, of: { logRecords?: LogRecord[] }[], make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    for (const { logRecords } of of) lines.rejected += arrayOf(logRecords).length;
    lines.why ||= error.message;
    return undefined;
  }
}

function textsOf(tag: string, attributes: KeyValue[]): string {
  return tag.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    const value = attributes.find(({ key }) => key === name)?.value;
    const text = value && 'stringValue' in value ? value.stringValue : 'unknown';
    return text.slice(0, tagPartMax).replace(/[^\w.-]/g, '_') || 'unknown';
  });
}

function resourceMembers(attributes: KeyValue[]): string {
  if (attributes.length === 0) return '';
  const service = attributes.find(({ key }) => key === 'service.name')?.value;
  const name =
    service && 'stringValue' in service ? `,"service.name":${JSON.stringify(service.stringValue)}` : '';
  return `${name},"resource":${objectText(attributes, 0)}`;
}

function scopeMembers(
  scope: { name?: string; version?: string; attributes?: KeyValue[] } | undefined,
): string {
  const { name = '', version = '' } = scope ?? {};
  const attributes = arrayOf(scope?.attributes);
  const members = [
    ...(name === '' ? [] : [`"name":${textText(name)}`]),
    ...(version === '' ? [] : [`"version":${textText(version)}`]),
    ...(attributes.length === 0 ? [] : [`"attributes":${objectText(attributes, 0)}`]),
  ];
  return members.length === 0 ? '' : `,"scope":{${members.join(',')}}`;
}

/** Members, with a comma before each. */
function recordText(record: LogRecord): string {
  const observed = timeOf(record.observedTimeUnixNano);
  const time = timeOf(record.timeUnixNano) ?? observed;
  const severity = Number(record.severityNumber ?? 0);
  const level = severity >= 1 && severity <= 24 ? levels[Math.floor((severity - 1) / 4)] : undefined;
  const { body, eventName = '', severityText = '', flags = 0, droppedAttributesCount: dropped = 0 } = record;
  const attributes = arrayOf(record.attributes);
  let text = '';
  if (time !== undefined) text += `,"${timeKey}":"${time}"`;
  if (observed !== undefined && observed !== time) text += `,"observed_time":"${observed}"`;
  if (level !== undefined) text += `,"log.level":"${level}","severity_number":${severity}`;
  if (severityText !== '')
    text += `,"${level === undefined ? 'level' : 'severity_text'}":${textText(severityText)}`;
  if (body && 'stringValue' in body) text += `,"message":${textText(body.stringValue)}`;
  else if (body) text += `,"body":${valueText(body, 0)}`;
  if (isId(record.traceId, 32)) text += `,"trace.id":"${record.traceId.toLowerCase()}"`;
  if (isId(record.spanId, 16)) text += `,"span.id":"${record.spanId.toLowerCase()}"`;
  if (eventName !== '') text += `,"event_name":${textText(eventName)}`;
  if (flags !== 0) text += `,"flags":${Number(flags)}`;
  if (attributes.length > 0) text += `,"attributes":${objectText(attributes, 0)}`;
  if (dropped !== 0) text += `,"dropped_attributes_count":${Number(dropped)}`;
  return text;
}

function objectText(pairs: KeyValue[], depth: number): string {
  return `{${pairs.map(({ key = '', value }) => `${textText(key)}:${value ? valueText(value, depth + 1) : 'null'}`).join(',')}}`;
}

/** @throws RangeError for what is too deep */
function valueText(value: AnyValue, depth: number): string {
  if (value === tooDeep || depth > valueDepthMax)
    throw new RangeError(`values nested deeper than ${valueDepthMax} levels`);
  if ('stringValue' in value) return textText(value.stringValue);
  if ('boolValue' in value) return value.boolValue === true ? 'true' : 'false';
  if ('intValue' in value) return BigInt(value.intValue).toString();
  if ('doubleValue' in value) return numberText(Number(value.doubleValue), String(value.doubleValue));
  if ('bytesValue' in value) return textText(value.bytesValue);
  if ('arrayValue' in value)
    return `[${arrayOf(value.arrayValue?.values)
      .map((item) => valueText(item, depth + 1))
      .join(',')}]`;
  if ('kvlistValue' in value) return objectText(arrayOf(value.kvlistValue?.values), depth);
  return 'null';
}

function numberText(value: number, text: string): string {
  if (!Number.isFinite(value)) return JSON.stringify(text);
  return Object.is(value, -0) ? '-0' : String(value);
}

function textText(text: unknown): string {
  if (typeof text !== 'string') throw new TypeError('text is expected');
  return JSON.stringify(text.toWellFormed());
}

/** Exact to the nanosecond; undefined for 0, which says that it is not known. */
function timeOf(nanos: bigint | number | string | undefined): string | undefined {
  if (nanos === undefined || nanos === '') return undefined;
  const value = BigInt(nanos);
  if (value <= 0n || value >= 1n << 64n) return undefined;
  return `${secondText(Number(value / 1_000_000_000n))}.${String(value % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** All zeros, or of another length: there is none. */
function isId(id: string | undefined, digits: number): id is string {
  return typeof id === 'string' && id.length === digits && /^[\da-fA-F]+$/.test(id) && !/^0+$/.test(id);
}

function arrayOf<T>(items: T[] | undefined | null): T[] {
  if (items === undefined || items === null) return [];
  if (!Array.isArray(items)) throw new TypeError('an array is expected');
  return items;
}
