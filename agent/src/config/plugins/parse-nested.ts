import type { Reading } from '@millrace/core/rule/parse-schema.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import { childSection, readSection } from '../read-section.ts';
import { type ConfigSection, configError } from '../syntax/tree.ts';
import { bool } from '../values.ts';
import { detectParams, detectRule, parserNotApplicable, readingOf, zoneParams } from './parse-common.ts';
import { type Context, type ParserPlugin, type Table, withDefault } from './plugin.ts';

/** Finds and runs the parser of a section; given by the registry, which these parsers are in themselves. */
type CompileInner = (section: ConfigSection, context: Context) => ReturnType<ParserPlugin['compile']>;

type Multi = Extract<Rule['parse'], { type: 'multi' }>;
type Container = Extract<Rule['parse'], { type: 'cri' | 'docker' }>;

const inner = 'belongs into the <parse> inside';
const runtimeTime = "the container runtime's time is of one form";

function containerTable(name: string, doc: string) {
  return {
    title: `<parse> @type ${name}`,
    doc: `${doc} Parts of one message are joined. Names of pod, namespace and container come from the file's path.`,
    params: {
      merge_cri_fields: withDefault(bool, true, 'The field `stream` says stdout or stderr.'),
      ...zoneParams,
      ...detectParams,
    },
    sections: ['parse'],
    notApplicable: {
      ...parserNotApplicable,
      time_key: runtimeTime,
      time_type: runtimeTime,
      time_format: runtimeTime,
      time_format_fallbacks: runtimeTime,
      keep_time_key: '`@timestamp` has it',
      types: inner,
      null_value_pattern: inner,
      null_empty_string: inner,
    },
  } satisfies Table;
}

function containerPlugin(type: 'cri' | 'docker', doc: string, compileInner: CompileInner): ParserPlugin {
  const table = containerTable(type, doc);
  return {
    table,
    compile(section, context) {
      const { settings } = readSection(section, table, context);
      const child = childSection(section, 'parse');
      const parse: Container = { type };
      if (child !== undefined)
        parse.inner = innerReading(child, compileInner, context) as NonNullable<Container['inner']>;
      if (!settings.merge_cri_fields) parse.stream = false;
      const detect = detectRule(section, settings, true, context);
      return { framing: { type }, rule: { v: 1, parse, ...detect } };
    },
  };
}

/** Of a parser whose records are lines and that holds no container's. */
function innerReading(section: ConfigSection, compileInner: CompileInner, context: Context): Reading {
  const { framing, rule } = compileInner(section, context);
  const { type } = rule.parse;
  if (framing.type !== 'newline' || type === 'cri' || type === 'docker')
    throw configError(
      section.params.get('@type') ?? section,
      '@type: only parsers of single lines can be inside of another',
    );
  return readingOf(rule);
}

const multiTable = {
  title: '<parse> @type multi_format',
  doc: 'Several parsers, each a `<pattern>` with its own `format` or `@type`: the first that reads a line is the one.',
  params: { ...zoneParams, ...detectParams },
  sections: ['pattern'],
  repeatable: ['pattern'],
  notApplicable: {
    ...parserNotApplicable,
    ...Object.fromEntries(
      ['time_key', 'time_type', 'time_format', 'time_format_fallbacks', 'keep_time_key', 'types']
        .concat('null_value_pattern', 'null_empty_string')
        .map((name) => [name, 'belongs into a <pattern>']),
    ),
  },
} satisfies Table;

function multiPlugin(compileInner: CompileInner): ParserPlugin {
  return {
    table: multiTable,
    compile(section, context) {
      const { settings } = readSection(section, multiTable, context);
      const patterns = section.children
        .filter(({ name }) => name === 'pattern')
        .flatMap((child) => patternsOf(child, compileInner, context));
      if (patterns.length === 0)
        throw configError(section, '<pattern>: required in <parse> @type multi_format');
      if (patterns.length > 64) throw configError(section, '<pattern>: more than 64 of them');
      const parse: Multi = { type: 'multi', patterns };
      return {
        framing: { type: 'newline' },
        rule: { v: 1, parse, ...detectRule(section, settings, true, context) },
      };
    },
  };
}

/** The older `format` names the type as well. */
function patternsOf(section: ConfigSection, compileInner: CompileInner, context: Context): Multi['patterns'] {
  const params = new Map(section.params);
  const format = params.get('format');
  if (!params.has('@type') && format !== undefined) {
    params.delete('format');
    params.set('@type', format);
  }
  const reading = innerReading({ ...section, params }, compileInner, context);
  return reading.parse.type === 'multi' ? reading.parse.patterns : [reading as Multi['patterns'][number]];
}

export function nestedParsers(compileInner: CompileInner): [string, ParserPlugin][] {
  return [
    [
      'cri',
      containerPlugin('cri', 'Lines of containerd and CRI-O: time, output, `F` or `P`, text.', compileInner),
    ],
    ['docker', containerPlugin('docker', "Lines of Docker's json-file driver.", compileInner)],
    ['multi_format', multiPlugin(compileInner)],
  ];
}
