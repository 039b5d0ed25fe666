import { isUtf8 } from '../parse/encoding.ts';
import { tokenize } from '../query/tokenize.ts';
import type { LeafParse, Parse, Reading } from '../rule/parse-schema.ts';
import type { Rule } from '../rule/rule.ts';

/**
 * How faithfully the text of a record's bytes comes back in its document: what a reader may conclude from bytes that do
 * not hold a word. It says what can be proven of a rule; where in doubt, nothing.
 */
export interface Fidelity {
  message: TextFidelity;
  /** Of a field of the user's own, by its dotted name. */
  field(name: string): TextFidelity;
  /** Of the fields that an access log's columns or well-known names become. */
  known: TextFidelity;
  /** Texts are read as JSON does: what stands there behind backslashes may be something else in the document. */
  escapes: 'none' | 'json' | 'logfmt';
  /** Numbers may be written anew: 4.2e1 is 42. */
  numbers: boolean;
  /** A record of several lines has them joined. */
  joins: boolean;
  /** Words of 256 characters and more may be cut. */
  cuts: boolean;
}

/**
 * bytes: each stretch of the text without separators is one of the record's text. tokens: and where one begins and ends
 * as a token, it does so there too.
 */
export interface TextFidelity {
  bytes: boolean;
  tokens: boolean;
}

const faithful: TextFidelity = { bytes: true, tokens: true };
const inside: TextFidelity = { bytes: true, tokens: false };
const none: TextFidelity = { bytes: false, tokens: false };

/** Nothing can be concluded. */
export const unfaithful: Fidelity = {
  message: none,
  field: () => none,
  known: none,
  escapes: 'json',
  numbers: true,
  joins: true,
  cuts: true,
};

export function fidelityOf(rule: Rule): Fidelity {
  // Steps write what they please.
  if (!isUtf8(rule.encoding) || rule.steps !== undefined) return unfaithful;
  return ofReading(rule);
}

function ofReading(reading: Reading): Fidelity {
  const { parse } = reading;
  if (parse.type === 'multi') return parse.patterns.map(ofReading).reduce(both);
  if (parse.type === 'cri' || parse.type === 'docker') return ofContainer(parse);
  const leaf = { ...ofLeaf(parse) };
  const { mark, types = {} } = reading;
  const made = [...Object.keys(types), ...(mark === undefined ? [] : [mark.key])];
  if (made.some((name) => messageNames.has(name))) leaf.message = none;
  if (made.length === 0) return leaf;
  const known = Object.keys(types).length === 0 ? leaf.known : none;
  const converted = new Set(Object.keys(types));
  const { field } = leaf;
  // A name with dots may be one name, or the way into an object that was converted as a whole.
  const isConverted = (name: string) =>
    name.split('.').some((_, i, parts) => converted.has(parts.slice(0, i + 1).join('.')));
  return { ...leaf, known, field: (name) => (isConverted(name) ? none : field(name)) };
}

const messageNames = new Set(['message', 'msg', 'log']);

function plain(more: Partial<Fidelity> = {}): Fidelity {
  return {
    message: faithful,
    field: () => faithful,
    known: faithful,
    escapes: 'none',
    numbers: false,
    joins: false,
    cuts: false,
    ...more,
  };
}

function ofLeaf(parse: LeafParse): Fidelity {
  switch (parse.type) {
    case 'none':
    case 'nginx':
    case 'apache_error':
      return plain();
    case 'syslog':
      return plain({ cuts: true });
    case 'json':
      return plain({ escapes: 'json', numbers: true });
    case 'logfmt':
      return plain({ escapes: 'logfmt' });
    case 'regexp':
      return plain({ message: ofGroups(parse), field: () => inside, known: inside });
    case 'csv':
      return columns([parse.delimiter ?? ',']);
    case 'ltsv':
      return parse.pattern === undefined
        ? columns([parse.delimiter ?? '\t', parse.label_delimiter ?? ':'])
        : plain({ message: inside, field: () => inside, known: inside });
  }
}

/** Values between delimiters are tokens of their own only when these are none. */
function columns(delimiters: string[]): Fidelity {
  const separating = delimiters.every((delimiter) => tokenize(delimiter).length === 0);
  const values = separating ? faithful : inside;
  return plain({ message: values, field: () => values, known: values });
}

/** A group may begin and end within a word, but for one that takes the rest of a line behind a separator. */
function ofGroups({ expression, names = {} }: Extract<LeafParse, { type: 'regexp' }>): TextFidelity {
  const groups = [...expression.matchAll(/\(\?<([^>=!]+)>/g)].map(([, name = '']) => name);
  const messages = groups.filter((name) => messageNames.has(names[name] ?? name));
  if (messages.length === 0) return faithful;
  const rest = /(?:[ :>-]|(?<!\\)\\[s\])>|:-]) ?\+?\(\?<[^>]+>\.[*+]\)\$?$/.test(expression);
  return messages.length === 1 && rest && groups.at(-1) === messages[0] ? faithful : inside;
}

function ofContainer(parse: Extract<Parse, { type: 'cri' | 'docker' }>): Fidelity {
  const inner = parse.inner === undefined ? plain() : ofReading(parse.inner);
  const json = parse.type === 'docker';
  return { ...inner, joins: true, ...(json ? { escapes: both.escapes(inner.escapes, 'json') } : {}) };
}

function both(a: Fidelity, b: Fidelity): Fidelity {
  const text = (x: TextFidelity, y: TextFidelity) => ({
    bytes: x.bytes && y.bytes,
    tokens: x.tokens && y.tokens,
  });
  return {
    message: text(a.message, b.message),
    field: (name) => text(a.field(name), b.field(name)),
    known: text(a.known, b.known),
    escapes: both.escapes(a.escapes, b.escapes),
    numbers: a.numbers || b.numbers,
    joins: a.joins || b.joins,
    cuts: a.cuts || b.cuts,
  };
}

const escapeOrder = ['none', 'json', 'logfmt'] as const;
both.escapes = (a: Fidelity['escapes'], b: Fidelity['escapes']) =>
  escapeOrder[Math.max(escapeOrder.indexOf(a), escapeOrder.indexOf(b))] ?? 'logfmt';
