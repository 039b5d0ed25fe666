import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import { type Context, optional, type SettingsOf, withDefault } from '../config/plugins/plugin.ts';
import { childSection } from '../config/read-section.ts';
import type { ConfigSection } from '../config/syntax/tree.ts';
import { bool, integer, oneOf, size, string } from '../config/values.ts';
import { compileFormat } from '../format/formatters.ts';
import { compileInject } from '../format/inject.ts';
import type { EncodeEvent } from '../ship/packing.ts';

const mebibyte = 1024 * 1024;

/** Parameters of outputs that send events one by one, as fluent-plugin-kinesis has them. */
export const eventParams = {
  data_key: optional(string, 'the whole record', 'Send this field alone. An event without it is sent whole.'),
  compression: optional(oneOf('zlib', 'gzip', 'zstd'), 'none', 'Compress each event.'),
  chomp_record: withDefault(bool, false, 'Leave out the line break at the end of an event.'),
  max_record_size: withDefault(
    size(1024, 10 * mebibyte),
    mebibyte,
    'Largest record; a larger event is counted and not delivered.',
  ),
  batch_request_max_count: withDefault(integer(1, 500), 500, 'Most records in one request.'),
};

export const eventSections = ['format', 'inject'];

type Settings = Pick<SettingsOf<typeof eventParams>, 'data_key' | 'compression' | 'chomp_record'>;

/** @throws MillraceError CONFIG_INVALID for a format or an injection that cannot be */
export function compileEncoding(section: ConfigSection, settings: Settings, context: Context): EncodeEvent {
  const { data_key: dataKey, compression, chomp_record: chomp } = settings;
  const pack = compressor(compression);
  const text = textOf(section, dataKey, chomp, context);
  if (pack) return (event) => pack(Buffer.from(text(event)));
  return text;
}

function textOf(
  section: ConfigSection,
  dataKey: string | undefined,
  chomp: boolean,
  context: Context,
): ((event: PlainEvent) => string) & { jsonEnd?: string } {
  const formatSection = childSection(section, 'format');
  const injectSection = childSection(section, 'inject');
  const format = compileFormat(formatSection, context);
  const inject = compileInject(injectSection, context);
  if (format.jsonEnd !== undefined && injectSection === undefined && dataKey === undefined)
    return ownJson(chomp ? '' : format.jsonEnd);
  return (event) => {
    const record = inject(event);
    const value = dataKey === undefined ? undefined : record[dataKey];
    const text = value === undefined || value === null ? format(event, record) : `${String(value)}\n`;
    return chomp && text.endsWith('\n') ? text.slice(0, -1) : text;
  };
}

/** An event's JSON is made in fewer steps than that of any other fields. */
function ownJson(end: string): EncodeEvent & ((event: PlainEvent) => string) {
  return Object.assign((event: PlainEvent) => event.json + end, { jsonEnd: end });
}

function compressor(name: 'zlib' | 'gzip' | 'zstd' | undefined): ((bytes: Buffer) => Buffer) | undefined {
  switch (name) {
    case 'zlib':
      return (bytes) => deflateSync(bytes);
    case 'gzip':
      return (bytes) => gzipSync(bytes);
    case 'zstd':
      return (bytes) => zstdCompressSync(bytes);
    default:
      return undefined;
  }
}
