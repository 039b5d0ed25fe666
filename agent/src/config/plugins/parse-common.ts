import { isMillraceError } from '@millrace/core/errors.ts';
import { compileFormat } from '@millrace/core/parse/strptime.ts';
import { compileZone, utc } from '@millrace/core/parse/zone.ts';
import type { FieldType, Rule } from '@millrace/core/rule/rule.ts';
import { RegexpProblem } from '../ruby-regexp/syntax.ts';
import { type JsRegexp, type RubyRegexp, translateRegexp } from '../ruby-regexp.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { bool, hash, near, oneOf, string } from '../values.ts';
import { type Context, type Later, optional, type SettingsOf, withDefault } from './plugin.ts';

/** How a field becomes the event's time, the same for every parser that yields fields. */
export const timeParams = {
  time_type: optional(
    oneOf('string', 'float', 'unixtime'),
    'by parser',
    'How the time field is written: text, or seconds since 1970 with (`float`) or without (`unixtime`) a fraction.',
  ),
  time_format: optional(
    string,
    'ISO 8601',
    'strptime format of a time that is text. Giving one implies `time_type string`.',
  ),
  timezone: optional(
    string,
    "the agent's zone",
    'Zone of times that name none: `+09:00` or an IANA name such as `Asia/Seoul`.',
  ),
  localtime: optional(bool, '`true`', "`false` is the same as `utc true`; otherwise the agent's zone holds."),
  utc: withDefault(bool, false, 'Times that name no zone are UTC.'),
  keep_time_key: withDefault(bool, false, 'Keep the time field among the fields of the document.'),
};

export const typesParam = {
  types: optional(
    hash,
    'none',
    'Types of fields that are text: `code:integer,took:float,ok:bool`. Known are string, integer, float and bool.',
  ),
};

export const parserNotApplicable: Readonly<Record<string, string>> = {
  timeout: 'expressions run in linear time and need none',
  estimate_current_event: 'an event without a time of its own has the time it was read at, always',
  format: 'the document always holds the text as `message`',
};

export const parserLater: Readonly<Record<string, Later>> = {
  null_value_pattern: { why: 'values are kept as they are written' },
  null_empty_string: { why: 'values are kept as they are written', harmless: ['false'] },
  time_format_fallbacks: { why: 'one time_format holds for a source' },
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
  const { time_format: format, time_type: given } = settings;
  const type = given ?? (format === undefined ? typeDefault : 'string');
  const rule: TimeRule = { key, type };
  if (type === 'string') {
    rule.zone = zoneOf(section, settings, context);
    if (format !== undefined) {
      judged(section, 'time_format', () => compileFormat(format, utc));
      rule.format = format;
    }
  }
  if (settings.keep_time_key) rule.keep = true;
  return rule;
}

function zoneOf(section: ConfigSection, settings: TimeSettings, context: Context): string {
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

const fieldTypes: Readonly<Record<string, FieldType>> = {
  string: 'string',
  integer: 'integer',
  float: 'float',
  bool: 'bool',
};

/** @throws MillraceError CONFIG_INVALID for a type that is not known */
export function typesRule(
  section: ConfigSection,
  types: Map<string, string> | undefined,
): Record<string, FieldType> | undefined {
  if (types === undefined || types.size === 0) return undefined;
  const rule: [string, FieldType][] = [];
  for (const [field, name] of types) {
    const type = Object.hasOwn(fieldTypes, name) ? fieldTypes[name] : undefined;
    if (type === undefined)
      throw configError(
        section.params.get('types') ?? section,
        `types: "${name}" of ${field} is not supported${near(name, Object.keys(fieldTypes))}`,
        'known are string, integer, float and bool',
      );
    rule.push([field, type]);
  }
  return Object.fromEntries(rule);
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

/** A rule without the keys that are undefined. */
export function ruleOf(
  parse: Rule['parse'],
  time?: Rule['time'],
  types?: Record<string, FieldType> | undefined,
): Rule {
  const rule: Rule = { v: 1, parse };
  if (time) rule.time = time;
  if (types) rule.types = types;
  return rule;
}
