import { createHmac } from 'node:crypto';
import { lookup } from '@millrace/core/parse/lookup.ts';
import type { FieldValue } from '@millrace/core/parse/parsed.ts';
import { valueText } from '@millrace/core/parse/steps.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Path } from '@millrace/core/rule/steps-schema.ts';
import { translated } from '../config/plugins/parse-common.ts';
import {
  type Context,
  type FilterPlugin,
  optional,
  type Table,
  withDefault,
} from '../config/plugins/plugin.ts';
import { idOf, readSection } from '../config/read-section.ts';
import { type ConfigSection, configError, placeText } from '../config/syntax/tree.ts';
import { array, near, oneOf, regexp, string } from '../config/values.ts';
import { fieldReader } from '../filter/fields.ts';
import { filterName } from '../filter/filter.ts';
import type { EdgeRecord } from '../filter/record.ts';
import { compileAccessor, pathText } from './record-accessor.ts';
import { type Edit, editedBytes } from './redact-bytes.ts';
import { type JsonValue, jsonValues, unescaped } from './redact-json.ts';
import { type Find, type Found, inOrder, kinds, secretName } from './redact-kinds.ts';

const kindNames = Object.keys(kinds);

const table = {
  title: '<filter> @type redact',
  doc:
    'Hides secrets in the bytes that are shipped, at the edge: neither stream nor archive nor index ever holds them. ' +
    'JSON stays JSON (a number in which something is hidden becomes a string), a record stays one record. The kinds: ' +
    '`credit_card` (13 to 19 digits with a known prefix and a right check digit, also with spaces or dashes), `email`, ' +
    '`ipv4`, `ipv6`, `token` (keys of AWS and others, JSON web tokens, `Bearer …`, `password=…`, `api_key: …` and ' +
    'such). A record over 960 KiB is looked at piece by piece.',
  params: {
    kinds: optional(
      array,
      'all, without `pattern` and `keys`',
      `Of ${kindNames.map((name) => `\`${name}\``).join(', ')}.`,
    ),
    pattern: optional(
      regexp,
      'none',
      'What else is hidden: `/…/` in Ruby syntax. For several, write several filters.',
    ),
    keys: optional(
      array,
      'the whole text',
      'Only values of these fields are looked at; without `kinds` and `pattern` they are hidden as a whole. Where ' +
        'records are not JSON, what was found in a field is hidden wherever it stands in the record.',
    ),
    mode: withDefault(
      oneOf('mask', 'hash', 'remove'),
      'mask',
      '`mask`: a `*` for each character. `hash`: 24 digits of HMAC-SHA-256 with `key`, the same for the same text ' +
        '(card numbers without separators, e-mail addresses in lower case). `remove`: nothing.',
    ),
    key: optional(
      string,
      'none',
      'Secret of `mode hash`; at least 16 characters. It never leaves the agent.',
    ),
  },
} satisfies Table;

/** What one `<filter>` hides, and how. */
interface Redaction {
  find: Find;
  keys: Path[];
  /** Values of `keys` as a whole. */
  whole: boolean;
  tokens: boolean;
  /** An own expression may look at the ends of a value, which only the value itself shows. */
  anchored: boolean;
  replacement(text: string, kind: string): string;
}

const keyMin = 16;
const hashDigits = 24;

export const redact: FilterPlugin = {
  table,
  compile(section, context) {
    const { settings } = readSection(section, table, context);
    const names = namedKinds(settings, section);
    const own =
      settings.pattern && translated(section, 'pattern', settings.pattern, 'lines', context).compiled;
    const keysAt = section.params.get('keys') ?? section;
    const keys = (settings.keys ?? []).map((key) => compileAccessor(key, keysAt, 'keys'));
    const redaction: Redaction = {
      find: findAll(names, own),
      keys,
      whole: names.length === 0 && own === undefined,
      tokens: names.includes('token'),
      anchored: own !== undefined,
      replacement: compileReplacement(settings.mode, settings.key, section, context),
    };
    const id = idOf(section, 'filter', context);
    const by = filterName('redact', id);
    const hidden = [...names, ...(settings.pattern ? [`/${settings.pattern.source}/`] : [])];
    return {
      id,
      where: placeText(section),
      describe: () => [
        ['hides', hidden.join(', ') || 'whole values'],
        ['in', keys.map(pathText).join(', ') || 'the whole text'],
        ['by', settings.mode],
      ],
      edge(rule) {
        const editsOf = compileEdits(redaction, rule);
        return {
          by,
          judge(record) {
            const edits = editsOf(record);
            return edits.length === 0 ? 'keep' : editedBytes(record, edits);
          },
        };
      },
    };
  },
};

function namedKinds(
  settings: { kinds: string[] | undefined; pattern: unknown; keys: string[] | undefined },
  section: ConfigSection,
): (keyof typeof kinds)[] {
  const given =
    settings.kinds ?? (settings.pattern === undefined && settings.keys === undefined ? kindNames : []);
  return given.map((name) => {
    if (Object.hasOwn(kinds, name)) return name as keyof typeof kinds;
    const at = section.params.get('kinds') ?? section;
    throw configError(
      at,
      `kinds: "${name}" is unknown${near(name, kindNames)}`,
      `known are ${kindNames.join(', ')}`,
    );
  });
}

function findAll(names: (keyof typeof kinds)[], own: RegExp | undefined): Find {
  const finds = names.map((name) => kinds[name]);
  const pattern = own && new RegExp(own.source, `${own.flags}g`);
  return (text) => {
    const found = finds.flatMap((find) => find(text));
    if (pattern)
      for (const { 0: match, index } of text.matchAll(pattern))
        found.push({ start: index, end: index + match.length, kind: 'pattern' });
    return found.length === 0 ? found : inOrder(found);
  };
}

function compileReplacement(
  mode: 'mask' | 'hash' | 'remove',
  key: string | undefined,
  section: ConfigSection,
  context: Context,
): Redaction['replacement'] {
  const at = section.params.get('key') ?? section;
  if (mode !== 'hash') {
    if (key !== undefined) context.problems.notice(at, 'key: has no effect: it is for mode hash');
    return mode === 'remove' ? () => '' : (text) => '*'.repeat([...text].length);
  }
  if (key === undefined || key.length < keyMin)
    throw configError(
      at,
      `key: mode hash needs a secret of at least ${keyMin} characters`,
      'key "#{ENV[\'NAME\']}"',
    );
  return (text, kind) => {
    const plain =
      kind === 'credit_card' ? text.replace(/[ -]/g, '') : kind === 'email' ? text.toLowerCase() : text;
    return createHmac('sha256', key).update(plain).digest('hex').slice(0, hashDigits);
  };
}

type EditsOf = (record: EdgeRecord) => Edit[];

function compileEdits(redaction: Redaction, rule: Rule): EditsOf {
  const { type } = rule.parse;
  const isJson = type === 'json' || type === 'docker';
  const parses = rule.steps?.some(({ op }) => op === 'parse') ?? false;
  if (redaction.keys.length > 0 && (type !== 'json' || parses)) return editsOfFields(redaction, rule, isJson);
  return (record) => {
    const { text } = record;
    if (isJson && !record.piece) {
      const maybe =
        redaction.keys.length > 0 ||
        redaction.anchored ||
        text.includes('\\u') ||
        redaction.find(text).length > 0 ||
        (redaction.tokens && /(?:key|passwo?r?d|secret|token)"/i.test(text));
      const edits = maybe ? editsOfJson(redaction, text, (value) => foundIn(redaction, value, text)) : [];
      if (edits !== undefined) return edits;
    }
    // What is not read as it should be is hidden wherever it stands: which field it is in cannot be told.
    return redaction.whole ? all(redaction, text) : editsOfText(redaction, text, redaction.find);
  };
}

/** All of a text: where a value is to be hidden that cannot be found. */
function all({ replacement }: Redaction, text: string): Edit[] {
  return text === '' ? [] : [{ start: 0, end: text.length, text: replacement(text, 'text') }];
}

function editsOfText({ replacement }: Redaction, text: string, find: Find): Edit[] {
  return find(text).map(({ start, end, kind }) => ({
    start,
    end,
    text: replacement(text.slice(start, end), kind),
  }));
}

/** What is to be hidden in the text of one value. */
type FindIn = (value: JsonValue) => Find | undefined;

function foundIn(redaction: Redaction, { path }: JsonValue, _json: string): Find | undefined {
  const { keys } = redaction;
  if (keys.length > 0 && !keys.some((key) => leadsTo(key, path))) return undefined;
  if (redaction.whole) return wholeText;
  const name = path.at(-1);
  return redaction.tokens && typeof name === 'string' && secretName.test(name) ? wholeText : redaction.find;
}

function wholeText(text: string): Found[] {
  return text === '' ? [] : [{ start: 0, end: text.length, kind: 'text' }];
}

/** The key is the path's own or that of an object around it. */
function leadsTo(key: Path, path: (string | number)[]): boolean {
  if (typeof key === 'string') return path[0] === key;
  return key.length <= path.length && key.every((step, i) => path[i] === step);
}

/** Edits of JSON (one object, or one a line); undefined for what is none. */
function editsOfJson({ replacement }: Redaction, json: string, findIn: FindIn): Edit[] | undefined {
  const edits: Edit[] = [];
  let from = 0;
  for (const line of json.includes('\n') && !isObject(json) ? json.split('\n') : [json]) {
    if (!isObject(line)) return undefined;
    for (const value of jsonValues(line)) {
      const find = findIn(value);
      if (find === undefined) continue;
      const { text, at } = value.quoted
        ? unescaped(line, value.start, value.end)
        : { text: line.slice(value.start, value.end), at: () => 0 };
      const found = value.quoted || text !== 'null' ? find(text) : [];
      const [first] = found;
      if (first === undefined) continue;
      if (value.quoted)
        for (const { start, end, kind } of found)
          edits.push({
            start: from + at(start),
            end: from + at(end),
            text: replacement(text.slice(start, end), kind),
          });
      else {
        const hidden = replacement(text.slice(first.start, first.end), first.kind);
        const instead = hidden === '' ? 'null' : `"${hidden}"`;
        edits.push({ start: from + value.start, end: from + value.end, text: instead });
      }
    }
    from += line.length + 1;
  }
  return edits;
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

/**
 * Where the text does not show which field a value is in: what is found in the fields is hidden wherever it stands.
 * What cannot be found again, because it is written otherwise there, takes the whole record with it.
 */
function editsOfFields(redaction: Redaction, rule: Rule, isJson: boolean): EditsOf {
  const steps = rule.steps?.filter(({ op }) => op === 'parse') ?? [];
  const { steps: _steps, add: _add, ...bare } = rule;
  const read = fieldReader(steps.length > 0 ? { ...bare, steps } : bare);
  return (record) => {
    const { text } = record;
    const view = read(record);
    if (view.parsed.error?.type === 'parse' || record.piece)
      return redaction.whole ? all(redaction, text) : editsOfText(redaction, text, redaction.find);
    const secrets = redaction.keys.flatMap((key) => secretsIn(redaction, lookup(view, key)));
    if (secrets.length === 0) return [];
    const seen = new Set<string>();
    const find: Find = (within) => inOrder(secrets.flatMap((secret) => occurrences(secret, within, seen)));
    const edits =
      (isJson ? editsOfJson(redaction, text, () => find) : undefined) ?? editsOfText(redaction, text, find);
    return secrets.every(({ text: secret }) => seen.has(secret)) ? edits : all(redaction, text);
  };
}

interface Secret {
  text: string;
  kind: string;
}

function secretsIn(redaction: Redaction, value: FieldValue): Secret[] {
  if (value === null || value === undefined) return [];
  if (typeof value === 'object') return Object.values(value).flatMap((item) => secretsIn(redaction, item));
  const text = valueText(value);
  const find = redaction.whole ? wholeText : redaction.find;
  return find(text).map(({ start, end, kind }) => ({ text: text.slice(start, end), kind }));
}

/** Also as quoted texts write it. Within a longer word it is another word. */
function occurrences({ text, kind }: Secret, within: string, seen: Set<string>): Found[] {
  const found: Found[] = [];
  const forms = new Set([text, JSON.stringify(text).slice(1, -1), text.replaceAll('"', '""')]);
  for (const form of forms)
    for (let start = within.indexOf(form); start >= 0; start = within.indexOf(form, start + 1)) {
      const end = start + form.length;
      if (isWord(within[start - 1]) && isWord(form[0])) continue;
      if (isWord(within[end]) && isWord(form.at(-1))) continue;
      found.push({ start, end, kind });
      seen.add(text);
    }
  return found;
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /[\p{L}\p{N}_]/u.test(char);
}
