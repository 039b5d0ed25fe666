import { lookup, type RecordView } from '@millrace/core/parse/lookup.ts';
import { valueText } from '@millrace/core/parse/steps.ts';
import type { Path } from '@millrace/core/rule/steps-schema.ts';
import { translated } from '../config/plugins/parse-common.ts';
import { type Context, type FilterPlugin, optional, required, type Table } from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../config/syntax/tree.ts';
import { regexp, string } from '../config/values.ts';
import { fieldReader, isPlainText } from '../filter/fields.ts';
import { type EdgeStep, filterName } from '../filter/filter.ts';
import type { EdgeRecord } from '../filter/record.ts';
import { compileAccessor, pathText } from './record-accessor.ts';

const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
const flat = (kind: string, doc: string) =>
  Object.fromEntries(numbers.map((n) => [`${kind}${n}`, optional(string, 'none', doc)]));

const table = {
  title: '<filter> @type grep',
  doc:
    'Keeps or drops records by their fields, at the edge. All `<regexp>` must match, no `<exclude>` may. A field that ' +
    'is not there is an empty text, an object its JSON. `message` is the text of a record that is not parsed.',
  params: {
    ...flat('regexp', "v0.12's `FIELD EXPRESSION`, the same as a `<regexp>`."),
    ...flat('exclude', "v0.12's `FIELD EXPRESSION`, the same as an `<exclude>`."),
  },
  sections: ['regexp', 'exclude', 'and', 'or'],
  repeatable: ['regexp', 'exclude', 'and', 'or'],
} satisfies Table;

export const conditionTable = {
  title: '<regexp>, <exclude> of grep',
  doc:
    'Inside of `<and>` all `<regexp>` (or all `<exclude>`) hold together, inside of `<or>` one of them suffices; one of ' +
    'these two sections holds one kind.',
  params: {
    key: required(string, "A field: `name`, `$.a.b` or `$['a']['b']`."),
    pattern: required(
      regexp,
      '`/…/` with flags `i`, `m`, `x`; without slashes the whole value is the expression.',
    ),
  },
} satisfies Table;

interface Condition {
  key: Path;
  pattern: RegExp;
}

/** A record is kept when all of these hold. */
interface Grep {
  all: Condition[];
  /** Undefined: not asked. */
  any: Condition[][];
  noneOf: Condition[];
  notAllOf: Condition[][];
}

/** Longest value that is matched; beyond, what is looked at is cut. */
const textMax = 1_048_576;

export const grep: FilterPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    const conditions = compileConditions(section, context);
    for (const n of numbers) {
      addFlat(conditions.all, section, `regexp${n}`, settings[`regexp${n}`], context);
      addFlat(conditions.noneOf, section, `exclude${n}`, settings[`exclude${n}`], context);
    }
    const id = idOf(section, 'filter', context);
    const by = filterName('grep', id);
    return {
      id,
      where: placeText(section),
      describe: () => describe(conditions),
      edge(rule) {
        const keys = conditionsOf(conditions).map(({ key }) => key);
        if (isPlainText(rule) && keys.every((key) => key === 'message')) return textStep(conditions, by);
        const read = fieldReader(rule);
        return {
          by,
          wholeRecords: true,
          judge: (record) => (holds(conditions, read(record)) ? 'keep' : 'drop'),
        };
      },
    };
  },
};

/** Only the text is asked for. */
function textStep({ all, any, noneOf, notAllOf }: Grep, by: string): EdgeStep {
  const matches = ({ pattern }: Condition, text: string) => pattern.test(text);
  const keeps = ({ text: whole }: EdgeRecord) => {
    const text = whole.length > textMax ? whole.slice(0, textMax) : whole;
    for (const each of all) if (!matches(each, text)) return false;
    for (const each of noneOf) if (matches(each, text)) return false;
    return (
      any.every((group) => group.some((each) => matches(each, text))) &&
      !notAllOf.some((group) => group.every((each) => matches(each, text)))
    );
  };
  return { by, wholeRecords: true, judge: (record) => (keeps(record) ? 'keep' : 'drop') };
}

function holds({ all, any, noneOf, notAllOf }: Grep, view: RecordView): boolean {
  const matches = ({ key, pattern }: Condition) =>
    pattern.test(valueText(lookup(view, key)).slice(0, textMax));
  return (
    all.every(matches) &&
    !noneOf.some(matches) &&
    any.every((group) => group.some(matches)) &&
    !notAllOf.some((group) => group.every(matches))
  );
}

function compileConditions(section: ConfigSection, context: Context): Grep {
  const found: Grep = { all: [], any: [], noneOf: [], notAllOf: [] };
  for (const child of section.children) {
    const { name } = child;
    context.problems.attempt(() => {
      if (name === 'regexp') found.all.push(compileCondition(child, context));
      else if (name === 'exclude') found.noneOf.push(compileCondition(child, context));
      else if (name === 'and' || name === 'or') addGroup(found, child, context);
    });
  }
  return found;
}

function addGroup(found: Grep, group: ConfigSection, context: Context): void {
  const kinds = new Set(group.children.map(({ name }) => name));
  const [kind] = kinds;
  for (const [name, param] of group.params)
    context.problems.add(configError(param, `${name}: <${group.name}> holds sections only`));
  if (kinds.size !== 1 || (kind !== 'regexp' && kind !== 'exclude'))
    throw configError(group, `<${group.name}>: holds several <regexp> or several <exclude>, of one kind`);
  const conditions = group.children.map((child) => compileCondition(child, context));
  if (kind === 'regexp' && group.name === 'and') found.all.push(...conditions);
  else if (kind === 'regexp') found.any.push(conditions);
  else if (group.name === 'or') found.noneOf.push(...conditions);
  else found.notAllOf.push(conditions);
}

function compileCondition(section: ConfigSection, context: Context): Condition {
  const { settings } = readSection(section, conditionTable, context);
  const { key, pattern } = settings;
  if (key === undefined || pattern === undefined) return { key: 'message', pattern: /(?:)/ };
  const at = section.params.get('key') ?? section;
  return {
    key: compileAccessor(key, at, 'key'),
    pattern: translated(section, 'pattern', pattern, 'lines', context).compiled,
  };
}

function addFlat(
  conditions: Condition[],
  section: ConfigSection,
  name: string,
  value: string | undefined,
  context: Context,
): void {
  if (value === undefined) return;
  const at = section.params.get(name) ?? section;
  context.problems.attempt(() => {
    const space = value.indexOf(' ');
    if (space <= 0)
      throw configError(at, `${name}: a field and an expression are expected, as in "level ERROR"`);
    const pattern = regexp.read(value.slice(space + 1), (what, hint) => {
      throw configError(at, `${name}: ${what}`, hint);
    });
    conditions.push({
      key: compileAccessor(value.slice(0, space), at, name),
      pattern: translated(section, name, pattern, 'lines', context).compiled,
    });
  });
}

function conditionsOf({ all, any, noneOf, notAllOf }: Grep): Condition[] {
  return [...all, ...noneOf, ...any.flat(), ...notAllOf.flat()];
}

function describe({ all, any, noneOf, notAllOf }: Grep): [string, string][] {
  const text = ({ key, pattern }: Condition) => `${pathText(key)} matches ${pattern}`;
  const lines: [string, string][] = [];
  const add = (name: string, texts: string[]) => {
    if (texts.length > 0) lines.push([name, texts.join('\n')]);
  };
  add('keeps where', all.map(text));
  add(
    'and where',
    any.map((group) => group.map(text).join(' or ')),
  );
  add('drops where', [...noneOf.map(text), ...notAllOf.map((group) => group.map(text).join(' and '))]);
  return lines;
}
