import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Step } from '@millrace/core/rule/steps-schema.ts';
import { modernSource } from '../config/flat-names.ts';
import { readingOf } from '../config/plugins/parse-common.ts';
import { parsers } from '../config/plugins/parsers.ts';
import { type FilterPlugin, optional, required, type Table, withDefault } from '../config/plugins/plugin.ts';
import { pluginOf } from '../config/plugins/registry.ts';
import { childSection, idOf, readSection } from '../config/read-section.ts';
import { configError, placeText } from '../config/syntax/tree.ts';
import { bool, string, stringLike } from '../config/values.ts';
import { compileAccessor, pathText } from './record-accessor.ts';

const table = {
  title: '<filter> @type parser',
  doc:
    'Reads the text of a field with a parser, when the document is made. A record whose field is not there or cannot ' +
    'be read is never dropped: it keeps its fields, and the document says why (`error.type` is `parse`).',
  params: {
    key_name: required(
      string,
      "The field: `name`, `$.a.b` or `$['a']['b']`; `message` is the text of an unparsed record.",
    ),
    reserve_data: withDefault(bool, false, 'The fields that are there stay, those of the same name aside.'),
    remove_key_name_field: withDefault(
      bool,
      false,
      'The field that was read goes, where `reserve_data` is true.',
    ),
    reserve_time: withDefault(bool, false, "The event's time stays what it was."),
    inject_key_prefix: optional(
      stringLike(/^[^\p{Cc}]{1,64}$/u, 'a prefix of 1 to 64 characters'),
      'none',
      'Put before the names of the new fields.',
    ),
    hash_value_field: optional(string, 'none', 'The new fields become one of this name, an object.'),
    emit_invalid_record_to_error: withDefault(
      bool,
      true,
      'A record whose field cannot be read says so in its document; `false`: it is as if this filter were not there.',
    ),
  },
  notApplicable: {
    replace_invalid_sequence: 'what is no text in the encoding of its source is replaced by U+FFFD, always',
    suppress_parse_error_log: 'errors are in the documents, not in the log',
  },
  sections: ['parse'],
} satisfies Table;

export const parser: FilterPlugin = {
  table,
  compile(given, context) {
    const section = modernSource(given);
    const { settings } = readSection(section, table, context);
    const parse = childSection(section, 'parse');
    if (parse === undefined)
      throw configError(
        section,
        `<parse>: required in ${table.title}`,
        'write <parse> @type … </parse> in it',
      );
    const { framing, rule: inner } = pluginOf(parsers, parse).compile(parse, context);
    if (framing.type === 'multiline')
      throw configError(parse, '<parse>: records are framed where they are read', 'use @type regexp');
    const at = section.params.get('key_name') ?? section;
    const key = compileAccessor(settings.key_name ?? 'message', at, 'key_name');
    const step: Step = {
      op: 'parse',
      key,
      ...readingOf(inner),
      ...(settings.reserve_data ? { keep: true } : {}),
      ...(settings.remove_key_name_field ? { remove: true } : {}),
      ...(settings.reserve_time ? { keep_time: true } : {}),
      ...(settings.inject_key_prefix === undefined ? {} : { prefix: settings.inject_key_prefix }),
      ...(settings.hash_value_field === undefined ? {} : { into: settings.hash_value_field }),
      ...(settings.emit_invalid_record_to_error ? {} : { quiet: true }),
    };
    return {
      id: idOf(section, 'filter', context),
      where: placeText(section),
      describe: () => [['reads', `${pathText(key)} as ${step.parse.type}`]],
      rewriteRule: (rule: Rule): Rule => ({ ...rule, steps: [...(rule.steps ?? []), step] }),
    };
  },
};
