import { suggest } from '@millrace/core/config/suggest.ts';
import { type Literal, scanQuoted, scanValue } from './literal.ts';
import { Scanner } from './scanner.ts';
import {
  type ConfigParam,
  type ConfigSection,
  configError,
  isSecret,
  type Place,
  type RubyEnvironment,
} from './tree.ts';

const sectionDepthMax = 32;
const reservedParams = ['@type', '@id', '@label', '@log_level'];
/** The sections, with the top, in which no other name begins with @; in `<record>` one may. */
const reservedIn = ['', 'source', 'match', 'filter', 'system', 'label', 'worker'];

const spacing = /[ \t\r\n]+|#[^\r\n]*/y;
const blanks = /[ \t]*/y;
const lineEnd = /[ \t]*(?:#[^\r\n]*)?(?:\r?\n|\r|$)/y;
const newlineOrEnd = /\r?\n|\r|$/y;
const sectionName = /[a-zA-Z0-9_]+/y;
const bareKey = /[^ \t\r\n]+/y;
const bareArgument = /[^>\r\n]*/y;

interface ParseOptions {
  ruby: RubyEnvironment;
  /** Reads what an `@include` names into the section that it stands in. */
  include(target: string, into: ConfigSection, at: Place): void;
}

/**
 * Reads fluentd's v1 syntax into `into`: parameters by name (the last one wins, as in fluentd), sections in order.
 * @throws MillraceError CONFIG_INVALID with file:line; nothing else, for any text
 */
export function parseInto(into: ConfigSection, text: string, file: string, options: ParseOptions): void {
  const scanner = new Scanner(text.replace(/^\uFEFF/, ''), file);
  parseBody(scanner, into, undefined, options, 0);
}

/** `opened` is the section whose end tag is awaited; undefined at the top of a file. */
function parseBody(
  scanner: Scanner,
  into: ConfigSection,
  opened: ConfigSection | undefined,
  options: ParseOptions,
  depth: number,
): void {
  for (;;) {
    while (scanner.scan(spacing));
    if (scanner.atEnd) {
      if (opened) throw configError(opened, `<${opened.name}> is never closed`, `add </${opened.name}>`);
      return;
    }
    if (scanner.skip('</')) {
      parseEndTag(scanner, opened);
      return;
    }
    if (scanner.peek() === '<') into.children.push(parseSection(scanner, options, depth));
    else parseParam(scanner, into, opened === undefined, options);
  }
}

function parseEndTag(scanner: Scanner, opened: ConfigSection | undefined): void {
  const at = scanner.place;
  const name = scanner.scan(sectionName)?.[0] ?? '';
  scanner.scan(blanks);
  if (!scanner.skip('>')) throw configError(at, `</${name}: the end tag has no closing ">"`);
  if (!opened) throw configError(at, `</${name}> closes nothing`);
  if (name !== opened.name)
    throw configError(at, `</${name}> found where </${opened.name}> is due (opened in line ${opened.line})`);
  if (!scanner.scan(lineEnd)) throw configError(at, `</${name}>: text behind the end tag`);
}

function parseSection(scanner: Scanner, options: ParseOptions, depth: number): ConfigSection {
  const at = scanner.place;
  if (depth >= sectionDepthMax)
    throw configError(at, `sections are nested more than ${sectionDepthMax} deep`);
  scanner.pos++;
  const name = scanner.scan(sectionName)?.[0];
  if (name === undefined)
    throw configError(at, `"<${scanner.excerpt()}": a section's name is expected behind "<"`);
  scanner.scan(blanks);
  const arg: Literal = scanQuoted(scanner, options.ruby) ?? {
    value: scanner.scan(bareArgument)?.[0].trimEnd() ?? '',
    quoted: false,
  };
  if (!arg.quoted && arg.value.startsWith('#'))
    throw configError(
      at,
      `<${name} ${arg.value}>: a comment cannot stand in a tag`,
      'put it on a line of its own',
    );
  if (arg.nil !== undefined) throw configError(at, `<${name}>: its argument is nil: ${arg.nil}`);
  scanner.scan(blanks);
  if (!scanner.skip('>')) throw configError(at, `<${name}: the tag has no closing ">"`);
  if (!scanner.scan(lineEnd)) throw configError(at, `<${name}>: text behind the tag: ${scanner.excerpt()}`);
  const section: ConfigSection = { name, arg: arg.value, params: new Map(), children: [], ...at };
  parseBody(scanner, section, section, options, depth + 1);
  return section;
}

function parseParam(scanner: Scanner, into: ConfigSection, atTop: boolean, options: ParseOptions): void {
  const at = scanner.place;
  const key = scanQuoted(scanner, options.ruby)?.value ?? scanner.scan(bareKey)?.[0] ?? '';
  scanner.scan(blanks);
  const bare = scanner.scan(newlineOrEnd) !== undefined;
  if (key === '@include' || (key === 'include' && atTop)) {
    if (bare) throw configError(at, '@include: a path is expected');
    const target = scanTarget(scanner, options);
    options.include(target, into, at);
    return;
  }
  if (key.startsWith('@') && !reservedParams.includes(key) && reservedIn.includes(into.name)) {
    const near = suggest(key, [...reservedParams, '@include']);
    throw configError(
      at,
      `${key}: unknown parameter${near ? `, did you mean "${near}"?` : ''}`,
      'names that begin with @ are reserved',
    );
  }
  const literal: Literal = bare ? { value: '', quoted: false } : scanValue(scanner, options.ruby);
  if (!bare && !scanner.scan(lineEnd))
    throw scanner.fail(
      `${key}: text behind the end of its value${isSecret(key) ? '' : `: ${scanner.excerpt()}`}`,
      'put the whole value into quotes',
    );
  setParam(into, key, literal, at);
}

function setParam(into: ConfigSection, key: string, literal: Literal, at: Place): void {
  if (literal.useDefault && literal.nil === undefined) {
    into.params.delete(key);
    return;
  }
  const param: ConfigParam = { value: literal.value, quoted: literal.quoted, ...at };
  if (literal.nil !== undefined) param.nil = literal.nil;
  into.params.set(key, param);
}

function scanTarget(scanner: Scanner, options: ParseOptions): string {
  const target = scanValue(scanner, options.ruby);
  if (target.nil !== undefined) throw scanner.fail(`@include: the path is nil: ${target.nil}`);
  if (!scanner.scan(lineEnd)) throw scanner.fail(`@include: text behind the path: ${scanner.excerpt()}`);
  return target.value;
}
