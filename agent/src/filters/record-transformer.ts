// biome-ignore-all lint/suspicious/noTemplateCurlyInString: fluentd writes placeholders like this
import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Step } from '@millrace/core/rule/steps-schema.ts';
import {
  type Context,
  type FilterPlugin,
  optional,
  type Table,
  withDefault,
} from '../config/plugins/plugin.ts';
import { childSection, idOf, readSection } from '../config/read-section.ts';
import { type ConfigParam, type ConfigSection, configError, placeText } from '../config/syntax/tree.ts';
import { array, bool, string } from '../config/values.ts';
import type { FilterContext } from '../filter/filter.ts';
import { compileTemplate, partsOf, type Template } from './placeholders.ts';
import { compileAccessor, pathText } from './record-accessor.ts';

const table = {
  title: '<filter> @type record_transformer',
  doc:
    'Sets and removes fields. What the agent knows (tag, host name) travels as text, the rest is evaluated when the ' +
    'document is made. In `<record>` each line is a field and its value, with the placeholders `${tag}`, ' +
    '`${tag_parts[N]}`, `${tag_prefix[N]}`, `${tag_suffix[N]}` (N from 0, negative from the end), `${hostname}`, ' +
    '`${time}` (ISO 8601, UTC), `${record["name"]}`, `${record["a"]["b"]}`, `${record.dig("a", "b")}` and `${$.a.b}`. ' +
    'All are of the record as it was before. What is removed is not in `message` either; the archive has it (redact ' +
    'takes it from there too).',
  params: {
    remove_keys: optional(array, 'none', "Fields that are removed: `name`, `$.a.b` or `$['a']['b']`."),
    renew_record: withDefault(bool, false, 'Only the fields of `<record>` and `keep_keys` stay.'),
    keep_keys: optional(array, 'none', 'Fields that stay where `renew_record` is true.'),
    renew_time_key: optional(string, 'none', "Field with seconds since 1970 that become the event's time."),
    auto_typecast: withDefault(
      bool,
      true,
      'A value that is one placeholder keeps the type that the field has.',
    ),
    enable_ruby: withDefault(
      bool,
      false,
      'Ruby is never run. With the placeholders above alone it makes no difference, other Ruby is refused.',
    ),
  },
  sections: ['record'],
} satisfies Table;

interface Assignment {
  key: string;
  template: Template;
  text: string;
}

const assignmentsMax = 256;
const textMax = 8_192;

export const recordTransformer: FilterPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    const { renew_record: renew, auto_typecast: typed, renew_time_key: timeKey } = settings;
    const assignments = compileRecord(section, context);
    const at = section.params.get('keep_keys') ?? section;
    const kept = namesOf(settings.keep_keys, section, 'keep_keys', context);
    if (settings.keep_keys !== undefined && !renew)
      throw configError(at, 'keep_keys: has an effect with renew_record true only');
    for (const name of kept)
      if (typeof name !== 'string')
        throw configError(at, `keep_keys: ${pathText(name)} is not at the top level`);
    const removed = namesOf(settings.remove_keys, section, 'remove_keys', context);
    const keep = [...assignments.map(({ key }) => key), ...kept.map(String)];
    const rewriteRule = (rule: Rule, to: FilterContext): Rule => {
      const steps: Step[] = [...(rule.steps ?? [])];
      const set = assignments.map(({ key, template }) => ({ key, value: partsFor(template, to, typed) }));
      if (set.length > 0) steps.push({ op: 'set', set });
      if (renew) steps.push({ op: 'keep', keys: [...new Set(keep)] });
      if (timeKey !== undefined) steps.push({ op: 'time', key: timeKey });
      if (removed.length > 0) steps.push({ op: 'remove', keys: removed });
      return steps.length > 0 ? { ...rule, steps } : rule;
    };
    return {
      id: idOf(section, 'filter', context),
      where: placeText(section),
      describe: () => [
        ['sets', assignments.map(({ key, text }) => `${key} = ${text}`).join('\n')],
        ['keeps only', renew ? keep.join(', ') : ''],
        ['time from', timeKey ?? ''],
        ['removes', removed.map(pathText).join(', ')],
      ],
      rewriteRule,
    };
  },
};

function partsFor(template: Template, context: FilterContext, typed: boolean) {
  const parts = partsOf(template, context);
  // One field alone would keep its type.
  return template.single && !typed ? ['', ...parts] : parts;
}

function namesOf(names: string[] | undefined, section: ConfigSection, param: string, context: Context) {
  const at = section.params.get(param) ?? section;
  return (names ?? []).flatMap((name) => {
    const path = context.problems.attempt(() => compileAccessor(name, at, param));
    return path === undefined ? [] : [path];
  });
}

function compileRecord(section: ConfigSection, context: Context): Assignment[] {
  const record = childSection(section, 'record');
  if (record === undefined) return [];
  for (const child of record.children)
    context.problems.add(configError(child, `<${child.name}>: <record> holds fields, no sections`));
  const assignments: Assignment[] = [];
  for (const [key, param] of record.params) {
    const made = context.problems.attempt(() => compileAssignment(key, param));
    if (made) assignments.push(made);
  }
  if (assignments.length > assignmentsMax)
    throw configError(
      record,
      `<record>: holds ${assignments.length} fields, at most ${assignmentsMax} are allowed`,
    );
  return assignments;
}

function compileAssignment(name: string, param: ConfigParam): Assignment {
  const { value: text } = param;
  const key = compileAccessor(name, param, '<record>');
  if (typeof key !== 'string')
    throw configError(param, `${name}: fields are set at the top level`, 'read nested ones with ${$.a.b}');
  if (text.length > textMax) throw configError(param, `${name}: longer than ${textMax} characters`);
  if (/^[[{]/.test(text) && isJson(text))
    throw configError(
      param,
      `${name}: objects and arrays cannot be set`,
      'write one field a line; an object that a record has can be set as a whole: ${record["name"]}',
    );
  return { key, template: compileTemplate(text, param, name), text };
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
