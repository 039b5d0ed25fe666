import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { AnyValue, KeyValue, LogRecord, LogsRequest, ResourceLogs, ScopeLogs } from './model.ts';
import { tooDeep, valueDepthMax } from './model.ts';

/**
 * ExportLogsServiceRequest (opentelemetry/proto/collector/logs/v1, stable). Fields that are not known are skipped.
 * @throws for what is no Protocol Buffers
 */
export function decodeLogs(bytes: Uint8Array): LogsRequest {
  const reader = new BinaryReader(bytes);
  const resourceLogs: ResourceLogs[] = [];
  message(reader, reader.len, {
    1: () => resourceLogs.push(nested(reader, readResourceLogs)),
  });
  return { resourceLogs };
}

/** ExportLogsServiceResponse. */
export function encodeResponse(rejected: number, why: string): Uint8Array {
  const writer = new BinaryWriter();
  if (rejected === 0) return writer.finish();
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).int64(rejected);
  writer.tag(2, WireType.LengthDelimited).string(why);
  return writer.join().finish();
}

/** google.rpc.Status. */
export function encodeStatus(code: number, text: string): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int32(code);
  return writer.tag(2, WireType.LengthDelimited).string(text).finish();
}

/** What reads each field, by its number. */
type Fields = Readonly<Record<number, () => unknown>>;

/** Wire types of all fields in use, by number of the field: one of another type is not what it is taken for. */
function message(
  reader: BinaryReader,
  end: number,
  fields: Fields,
  types?: Readonly<Record<number, WireType>>,
): void {
  while (reader.pos < end) {
    const [number, type] = reader.tag();
    const read = fields[number];
    if (read && type === (types?.[number] ?? WireType.LengthDelimited)) read();
    else if (type === WireType.StartGroup || type === WireType.EndGroup)
      throw new Error('groups are no part of OTLP');
    else reader.skip(type);
  }
  if (reader.pos !== end) throw new Error('a field ends behind its message');
}

function nested<T>(reader: BinaryReader, read: (reader: BinaryReader, end: number) => T): T {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new Error('cut short');
  return read(reader, end);
}

function readResourceLogs(reader: BinaryReader, end: number): ResourceLogs {
  const attributes: KeyValue[] = [];
  const scopeLogs: ScopeLogs[] = [];
  message(reader, end, {
    1: () =>
      nested(reader, (_, until) => message(reader, until, { 1: () => attributes.push(keyValue(reader, 0)) })),
    2: () => scopeLogs.push(nested(reader, readScopeLogs)),
  });
  return { resource: { attributes }, scopeLogs };
}

function readScopeLogs(reader: BinaryReader, end: number): ScopeLogs {
  const attributes: KeyValue[] = [];
  const scope: NonNullable<ScopeLogs['scope']> = { attributes };
  const logRecords: LogRecord[] = [];
  const readScope = (_: BinaryReader, until: number) =>
    message(reader, until, {
      1: () => {
        scope.name = reader.string();
      },
      2: () => {
        scope.version = reader.string();
      },
      3: () => attributes.push(keyValue(reader, 0)),
    });
  message(reader, end, {
    1: () => nested(reader, readScope),
    2: () => logRecords.push(nested(reader, readRecord)),
  });
  return { scope, logRecords };
}

const recordTypes: Readonly<Record<number, WireType>> = {
  1: WireType.Bit64,
  2: WireType.Varint,
  7: WireType.Varint,
  8: WireType.Bit32,
  11: WireType.Bit64,
};

function readRecord(reader: BinaryReader, end: number): LogRecord {
  const attributes: KeyValue[] = [];
  const record: LogRecord = { attributes };
  const hex = () => Buffer.from(reader.bytes()).toString('hex');
  const set = <K extends keyof LogRecord>(name: K, read: () => LogRecord[K]) => {
    return () => {
      record[name] = read();
    };
  };
  const fields: Fields = {
    1: set('timeUnixNano', () => reader.fixed64()),
    2: set('severityNumber', () => reader.int32()),
    3: set('severityText', () => reader.string()),
    5: set('body', () => anyValue(reader, 0)),
    6: () => attributes.push(keyValue(reader, 0)),
    7: set('droppedAttributesCount', () => reader.uint32()),
    8: set('flags', () => reader.fixed32()),
    9: set('traceId', hex),
    10: set('spanId', hex),
    11: set('observedTimeUnixNano', () => reader.fixed64()),
    12: set('eventName', () => reader.string()),
  };
  message(reader, end, fields, recordTypes);
  return record;
}

function keyValue(reader: BinaryReader, depth: number): KeyValue {
  const read: KeyValue = {};
  nested(reader, (_, end) =>
    message(reader, end, {
      1: () => {
        read.key = reader.string();
      },
      2: () => {
        read.value = anyValue(reader, depth);
      },
    }),
  );
  return read;
}

const valueTypes: Readonly<Record<number, WireType>> = {
  2: WireType.Varint,
  3: WireType.Varint,
  4: WireType.Bit64,
};

/** Undefined: a value of no type, or of a type that is not known. */
function anyValue(reader: BinaryReader, depth: number): AnyValue | undefined {
  if (depth > valueDepthMax) {
    reader.skip(WireType.LengthDelimited);
    return tooDeep;
  }
  let value: AnyValue | undefined;
  const set = (read: () => AnyValue) => () => {
    value = read();
  };
  const fields: Fields = {
    1: set(() => ({ stringValue: reader.string() })),
    2: set(() => ({ boolValue: reader.bool() })),
    3: set(() => ({ intValue: reader.int64() })),
    4: set(() => ({ doubleValue: reader.double() })),
    5: set(() => ({
      arrayValue: { values: items(reader, () => anyValue(reader, depth + 1) ?? { stringValue: '' }) },
    })),
    6: set(() => ({ kvlistValue: { values: items(reader, () => keyValue(reader, depth + 1)) } })),
    7: set(() => ({ bytesValue: Buffer.from(reader.bytes()).toString('base64') })),
  };
  nested(reader, (_, end) => message(reader, end, fields, valueTypes));
  return value;
}

function items<T>(reader: BinaryReader, read: () => T): T[] {
  const all: T[] = [];
  nested(reader, (_, end) => message(reader, end, { 1: () => all.push(read()) }));
  return all;
}
