import type { PlainEvent } from '@millrace/core/document/plain-events.ts';
import type { EventTime, Fields, FieldValue } from '@millrace/core/parse/parsed.ts';
import { compileZone } from '@millrace/core/parse/zone.ts';
import { judged } from '../config/plugins/parse-common.ts';
import { type Context, optional, type Table, withDefault } from '../config/plugins/plugin.ts';
import { readSection } from '../config/read-section.ts';
import type { ConfigSection } from '../config/syntax/tree.ts';
import { bool, oneOf, string } from '../config/values.ts';
import { compileStrftime } from './strftime.ts';

/** The fields of an event as an output writes them. */
export type Inject = (event: PlainEvent) => Fields;

/** `<inject>` of an output that writes events one by one. */
export const injectTable = {
  title: '<inject>',
  doc: 'Fields that are added to an event where an output writes events one by one.',
  params: {
    time_key: optional(string, 'none', 'Field for the time.'),
    time_type: withDefault(
      oneOf('string', 'float', 'unixtime', 'unixtime_millis', 'unixtime_micros', 'unixtime_nanos'),
      'string',
      'How the time is written (fluentd: float; its Kinesis plugin: string).',
    ),
    time_format: withDefault(string, '%Y-%m-%dT%H:%M:%S.%N%z', 'strftime format of a time that is text.'),
    timezone: optional(string, "the agent's zone", 'Zone of a time that is text.'),
    localtime: optional(bool, '`true`', '`false` is the same as `utc true`.'),
    utc: withDefault(bool, false, 'Write times in UTC.'),
    tag_key: optional(string, 'none', 'Field for the tag.'),
    hostname_key: optional(string, 'none', 'Field for the host name.'),
    hostname: optional(string, "the agent's host name", 'What is written there.'),
    worker_id_key: optional(string, 'none', 'Field for the number of the worker, which is 0.'),
  },
} satisfies Table;

/** @throws MillraceError CONFIG_INVALID for a zone that does not exist */
export function compileInject(section: ConfigSection | undefined, context: Context): Inject {
  if (section === undefined) return (event) => event.fields;
  const { settings } = readSection(section, injectTable, context);
  const adds: [string, (event: PlainEvent) => FieldValue][] = [];
  const { time_key: timeKey, tag_key: tagKey, hostname_key: hostKey, worker_id_key: workerKey } = settings;
  if (hostKey !== undefined) adds.push([hostKey, ({ host }) => settings.hostname ?? host]);
  if (workerKey !== undefined) adds.push([workerKey, () => 0]);
  if (tagKey !== undefined) adds.push([tagKey, ({ tag }) => tag]);
  if (timeKey !== undefined) {
    const inUtc = settings.utc || settings.localtime === false;
    const zone = settings.timezone ?? (inUtc ? 'UTC' : context.timeZone);
    judged(section, 'timezone', () => compileZone(zone));
    const write = timeWriter(settings.time_type, settings.time_format, zone);
    adds.push([timeKey, ({ time }) => write(time)]);
  }
  return (event) => ({ ...event.fields, ...Object.fromEntries(adds.map(([name, of]) => [name, of(event)])) });
}

function timeWriter(type: string, format: string, zone: string): (time: EventTime) => FieldValue {
  const nanosOf = ({ seconds, nanos }: EventTime) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
  switch (type) {
    case 'float':
      return ({ seconds, nanos }) => seconds + nanos / 1e9;
    case 'unixtime':
      return ({ seconds }) => seconds;
    case 'unixtime_millis':
      return ({ seconds, nanos }) => seconds * 1000 + Math.floor(nanos / 1e6);
    case 'unixtime_micros':
      return ({ seconds, nanos }) => seconds * 1_000_000 + Math.floor(nanos / 1000);
    case 'unixtime_nanos':
      return nanosOf;
    default:
      return compileStrftime(format, zone);
  }
}
