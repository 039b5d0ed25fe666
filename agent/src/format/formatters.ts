import { fieldsJson } from '@millrace/core/document/json-text.ts';
import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import { isoTime } from '@millrace/core/parse/calendar.ts';
import type { Fields, FieldValue } from '@millrace/core/parse/parsed.ts';
import { type Context, optional, type Table, withDefault } from '../config/plugins/plugin.ts';
import { readSection } from '../config/read-section.ts';
import { type ConfigSection, configError } from '../config/syntax/tree.ts';
import { array, bool, near, oneOf, string } from '../config/values.ts';

/** Writes one event as text; `record` is its fields with what `<inject>` adds. */
export interface Formatter {
  (event: PlainEvent, record: Fields): string;
  /** It writes the record's JSON with this behind it. */
  jsonEnd?: string;
}

/** `<format>` of an output that writes events one by one. */
export const formatTable = {
  title: '<format>',
  doc: 'How an event is written, where an output writes events one by one.',
  params: {
    '@type': withDefault(
      oneOf('json', 'ltsv', 'csv', 'tsv', 'single_value', 'out_file', 'stdout', 'original'),
      'json',
      'json, ltsv, csv, tsv, single_value, out_file (time, tag, JSON) as in fluentd; `original`: the bytes of the record.',
    ),
    add_newline: withDefault(bool, true, 'End each event with a line break.'),
    message_key: withDefault(string, 'message', 'single_value: the field that is written.'),
    fields: optional(array, 'required for csv and tsv', 'csv, tsv: the fields, in their order.'),
    keys: optional(array, 'none', 'Another name of `fields`.'),
    delimiter: optional(string, '`,` for csv, a tab for tsv, ltsv and out_file', 'What separates fields.'),
    label_delimiter: withDefault(string, ':', 'ltsv: what separates name and value.'),
    force_quotes: withDefault(bool, true, 'csv: quote every field.'),
    output_time: withDefault(bool, true, 'out_file: write the time.'),
    output_tag: withDefault(bool, true, 'out_file: write the tag.'),
  },
  notApplicable: {
    json_parser: 'there is one JSON writer',
    newline: 'lines end with a line feed',
    replacement: 'tabs and line breaks in ltsv values are written as spaces',
    include_time_key: 'times are added by <inject>',
    time_type: 'times are written as ISO 8601',
    time_format: 'times are written as ISO 8601, or by <inject>',
    timezone: 'times are written in UTC, or by <inject>',
    utc: 'times are written in UTC',
    localtime: 'times are written in UTC, or by <inject>',
  },
} satisfies Table;

/** @throws MillraceError CONFIG_INVALID for csv and tsv without fields */
export function compileFormat(section: ConfigSection | undefined, context: Context): Formatter {
  if (section === undefined) return json('\n');
  const type = section.params.get('@type')?.value ?? 'json';
  if (type === 'msgpack' || type === 'hash')
    throw configError(
      section,
      `@type: events are not written as ${type}`,
      `known types: json, ltsv, csv, tsv${near(type, ['json'])}`,
    );
  const { settings } = readSection(section, formatTable, context);
  const end = settings.add_newline ? '\n' : '';
  const columns = settings.fields ?? settings.keys;
  switch (settings['@type']) {
    case 'ltsv':
      return (_event, record) =>
        leavesText(record, settings.delimiter ?? '\t', settings.label_delimiter) + end;
    case 'csv':
    case 'tsv': {
      if (columns === undefined) throw configError(section, 'fields: required for csv and tsv');
      const tab = settings['@type'] === 'tsv';
      const delimiter = settings.delimiter ?? (tab ? '\t' : ',');
      const cell = tab ? flat : (text: string) => csvCell(text, settings.force_quotes, delimiter);
      return (_event, record) => columns.map((name) => cell(valueText(record[name]))).join(delimiter) + end;
    }
    case 'single_value':
      return (_event, record) => valueText(record[settings.message_key]) + end;
    case 'original':
      return (event) => event.text + end;
    case 'stdout':
      return (event, record) => `${isoTime(event.time)} ${event.tag}: ${fieldsJson(record)}${end}`;
    case 'out_file': {
      const delimiter = settings.delimiter ?? '\t';
      return (event, record) => {
        const parts = [
          ...(settings.output_time ? [isoTime(event.time)] : []),
          ...(settings.output_tag ? [event.tag] : []),
          fieldsJson(record),
        ];
        return parts.join(delimiter) + end;
      };
    }
    default:
      return json(end);
  }
}

function json(end: string): Formatter {
  return Object.assign((_event: PlainEvent, record: Fields) => fieldsJson(record) + end, { jsonEnd: end });
}

function valueText(value: FieldValue): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? fieldsJson(value as Fields) : String(value);
}

function leavesText(record: Fields, delimiter: string, labelDelimiter: string): string {
  return Object.keys(record)
    .map((name) => `${name}${labelDelimiter}${flat(valueText(record[name]))}`)
    .join(delimiter);
}

function flat(text: string): string {
  return text.replace(/[\t\n]/g, ' ');
}

function csvCell(text: string, always: boolean, delimiter: string): string {
  const plain = !text.includes(delimiter) && !/["\r\n]/.test(text);
  return plain && !always ? text : `"${text.replaceAll('"', '""')}"`;
}
