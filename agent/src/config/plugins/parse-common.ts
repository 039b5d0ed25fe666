import { isMillraceError } from '@millrace/core/errors.ts';
import { compileFormat } from '@millrace/core/parse/strptime.ts';
import { compileZone, utc } from '@millrace/core/parse/zone.ts';
import type { FieldType, Nulls, Reading } from '@millrace/core/rule/parse-schema.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import { RegexpProblem } from '../ruby-regexp/syntax.ts';
import { type JsRegexp, type RubyRegexp, translateRegexp } from '../ruby-regexp.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { array, bool, hash, near, oneOf, regexp, string } from '../values.ts';
import { type Context, optional, type SettingsOf, withDefault } from './plugin.ts';

/** In which zone times are that name none. */
export const zoneParams = {
  timezone: optional(
    string,
    "the agent's zone",
    'Zone of times that name none: `+09:00` or an IANA name such as `Asia/Seoul`.',
  ),
  localtime: optional(bool, '`true`', "`false` is the same as `utc true`; otherwise the agent's zone holds."),
  utc: withDefault(bool, false, 'Times that name no zone are UTC.'),
};

/** How a field becomes the event's time, the same for every parser that yields fields. */
export const timeParams = {
  time_type: optional(
    oneOf('string', 'float', 'unixtime', 'mixed'),
    'by parser',
    'How the time field is written: text, or seconds since 1970 with (`float`) or without (`unixtime`) a fraction; ' +
      '`mixed`: as time_format or one of time_format_fallbacks says.',
  ),
  time_format: optional(
    string,
    'ISO 8601',
    'strptime format of a time that is text, or `%iso8601`. Giving one implies `time_type string`.',
  ),
  time_format_fallbacks: optional(
    array,
    'none',
    'Formats that are tried where time_format does not fit; `unixtime`, `float` and `%iso8601` are formats too.',
  ),
  ...zoneParams,
  keep_time_key: withDefault(bool, false, 'Keep the time field among the fields of the document.'),
};

/** What becomes of fields that are text. */
export const valueParams = {
  types: optional(
    hash,
    'none',
    'Types of fields that are text: `code:integer,took:float,ok:bool,tags:array:;,at:time:%d/%b/%Y`. Known are ' +
      'string, integer, float, bool, array (with a delimiter) and time (`unixtime`, `float` or a format, a zone before it).',
  ),
  null_value_pattern: optional(regexp, 'none', 'Texts in which the expression is found become null.'),
  null_empty_string: withDefault(bool, false, 'Empty texts become null.'),
};

/** What is looked for in the text of records. */
export const detectParams = {
  detect_time: optional(
    bool,
    '`true`, where no time_key, time_type or time_format is given',
    "Events without a time of their own have the one that stands at their text's head: ISO 8601, syslog, nginx, " +
      'Apache, klog, common log.',
  ),
  detect_level: withDefault(
    bool,
    true,
    'Events without a level have the one in their text: `ERROR`, `[warn]`, `level=info`, a syslog priority.',
  ),
};

export const parserNotApplicable: Readonly<Record<string, string>> = {
  timeout: 'expressions run in linear time and need none',
  estimate_current_event: 'an event without a time of its own has the time it was read at, always',
  format: 'the document always holds the text as `message`',
};

type TimeSettings = SettingsOf<typeof timeParams>;
type TimeRule = NonNullable<Rule['time']>;

/**
 * The rule's time, everything about the zone resolved.
 * @throws MillraceError CONFIG_INVALID for a format or a zone that does not exist
 */
export function timeRule(
  section: ConfigSection,
  settings: TimeSettings,
  key: string,
  typeDefault: TimeRule['type'],
  context: Context,
): TimeRule {
  const { time_format: format, time_type: given, time_format_fallbacks: fallbacks } = settings;
  const mixed = given === 'mixed' || fallbacks !== undefined;
  const type = mixed ? 'string' : (given ?? (format === undefined ? typeDefault : 'string'));
  const rule: TimeRule = { key, type };
  if (type === 'string' || type === 'auto') {
    rule.zone = zoneOf(section, settings, context);
    if (mixed) rule.formats = formatsOf(section, settings);
    else if (format === '%iso8601') rule.formats = [format];
    else if (format !== undefined) {
      judged(section, 'time_format', () => compileFormat(format, utc));
      rule.format = format;
    }
  }
  if (settings.keep_time_key) rule.keep = true;
  return rule;
}

function formatsOf(section: ConfigSection, settings: TimeSettings): string[] {
  const { time_format: format = '%iso8601', time_format_fallbacks: fallbacks = [] } = settings;
  if (fallbacks.length === 0)
    throw configError(
      section.params.get('time_type') ?? section,
      'time_type: mixed needs time_format_fallbacks',
      'write the formats that may occur, as in time_format_fallbacks ["unixtime", "%iso8601"]',
    );
  const named = ['unixtime', 'float', '%iso8601'];
  for (const [name, formats] of [
    ['time_format', [format]],
    ['time_format_fallbacks', fallbacks],
  ] as const)
    for (const each of formats)
      if (!named.includes(each)) judged(section, name, () => compileFormat(each, utc));
  return [format, ...fallbacks];
}

/** @throws MillraceError CONFIG_INVALID for a zone that does not exist */
function zoneOf(section: ConfigSection, settings: SettingsOf<typeof zoneParams>, context: Context): string {
  const { timezone, localtime } = settings;
  if (settings.utc && localtime)
    throw configError(section.params.get('utc') ?? section, 'utc: contradicts localtime, give one of them');
  if (timezone === undefined) return settings.utc || localtime === false ? 'UTC' : context.timeZone;
  // Ruby also takes +0900 and +09.
  const offset = /^([+-]\d\d):?(\d\d)?$/.exec(timezone);
  const zone = offset ? `${offset[1]}:${offset[2] ?? '00'}` : timezone;
  judged(section, 'timezone', () => compileZone(zone));
  return zone;
}

/** Formats and zones are judged by the code that will read times with them. */
export function judged(section: ConfigSection, name: string, compile: () => unknown): void {
  try {
    compile();
  } catch (error) {
    if (!isMillraceError(error, 'RULE_INVALID')) throw error;
    throw configError(section.params.get(name) ?? section, `${name}: ${error.message}`, error.hint);
  }
}

const typeNames = ['string', 'integer', 'float', 'bool', 'array', 'time'];

/** @throws MillraceError CONFIG_INVALID for a type that is not known */
function typesRule(
  section: ConfigSection,
  types: Map<string, string> | undefined,
): Record<string, FieldType> | undefined {
  if (types === undefined || types.size === 0) return undefined;
  return Object.fromEntries([...types].map(([field, text]) => [field, typeRule(section, field, text)]));
}

function typeRule(section: ConfigSection, field: string, text: string): FieldType {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const option = colon < 0 ? '' : text.slice(colon + 1);
  if (name === 'array') return option === '' ? { type: 'array' } : { type: 'array', delimiter: option };
  if (name === 'time') return timeType(section, option);
  if (name === 'string' || name === 'integer' || name === 'float' || name === 'bool') return name;
  throw configError(
    section.params.get('types') ?? section,
    `types: "${text}" of ${field} is not supported${near(name, typeNames)}`,
    'known are string, integer, float, bool, array and time',
  );
}

/** `[zone:][unixtime|float|format]` */
function timeType(section: ConfigSection, option: string): FieldType {
  const [, zone, format = ''] =
    /^(?:([+-]\d\d:?\d\d|UTC|[A-Za-z_]+\/[A-Za-z_/+-]+)(?::|$))?([\s\S]*)$/.exec(option) ?? [];
  const rule: Extract<FieldType, { type: 'time' }> = { type: 'time' };
  if (zone !== undefined) {
    rule.zone = zone;
    judged(section, 'types', () => compileZone(zone));
  }
  if (format === 'unixtime' || format === 'float') rule.kind = format;
  else if (format !== '') {
    judged(section, 'types', () => compileFormat(format, utc));
    rule.format = format;
  }
  return rule;
}

function nullsRule(
  section: ConfigSection,
  settings: SettingsOf<typeof valueParams>,
  context: Context,
): Nulls | undefined {
  const { null_value_pattern: pattern, null_empty_string: empty } = settings;
  const nulls: Nulls = {};
  if (empty) nulls.empty = true;
  if (pattern !== undefined) {
    const js = translated(section, 'null_value_pattern', pattern, 'line', context);
    nulls.pattern = js.source;
    if (js.flags !== '') nulls.flags = js.flags;
  }
  return empty || pattern !== undefined ? nulls : undefined;
}

/** @throws MillraceError CONFIG_INVALID at the parameter, for what cannot be translated */
export function translated(
  section: ConfigSection,
  name: string,
  ruby: RubyRegexp,
  text: 'line' | 'lines',
  context: Context,
): JsRegexp {
  const place = section.params.get(name) ?? section;
  try {
    const js = translateRegexp(ruby, text);
    for (const remark of js.remarks) context.problems.notice(place, `${name}: ${remark}`);
    return js;
  } catch (error) {
    if (!(error instanceof RegexpProblem)) throw error;
    throw configError(place, `${name}: ${error.message}`, error.hint);
  }
}

/** What the parameters of a section say about values: to be spread into a rule. */
export function valuesRule(
  section: ConfigSection,
  settings: SettingsOf<typeof valueParams>,
  context: Context,
): Pick<Rule, 'types' | 'nulls'> {
  const types = typesRule(section, settings.types);
  const nulls = nullsRule(section, settings, context);
  return { ...(types && { types }), ...(nulls && { nulls }) };
}

/** What is detected, with the zone as a literal: to be spread into a rule. `time`: whether by default. */
export function detectRule(
  section: ConfigSection,
  settings: SettingsOf<typeof detectParams> & SettingsOf<typeof zoneParams>,
  time: boolean,
  context: Context,
): Pick<Rule, 'detect'> {
  const { detect_time: detectTime = time, detect_level: level } = settings;
  if (!detectTime && !level) return {};
  const detect: NonNullable<Rule['detect']> = {};
  if (detectTime) detect.time = { zone: zoneOf(section, settings, context) };
  if (level) detect.level = true;
  return { detect };
}

/** Whether a section leaves it open where the time is. */
export function timeIsOpen(given: ReadonlySet<string>): boolean {
  return !['time_key', 'time_type', 'time_format', 'time_format_fallbacks'].some((name) => given.has(name));
}

/** The part of a rule that a parser inside of another has. */
export function readingOf({ parse, time, types, nulls }: Rule): Reading {
  return { parse, ...(time && { time }), ...(types && { types }), ...(nulls && { nulls }) };
}
